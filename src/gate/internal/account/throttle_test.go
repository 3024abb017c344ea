package account

import (
	"testing"
	"time"
)

func TestGuessesHaveToWaitLongerAndLonger(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	throttle := NewThrottle()
	throttle.Now = func() time.Time { return now }
	var total time.Duration
	for range 20 {
		if wait := throttle.Begin("user a", "from x"); wait > 0 {
			now = now.Add(wait)
			total += wait
			if throttle.Begin("user a", "from x") > 0 {
				t.Fatal("after the wait there is another one")
			}
		}
	}
	if total < 5*time.Minute {
		t.Errorf("twenty guesses take only %v", total)
	}
	if throttle.Begin("user a", "from y") == 0 || throttle.Begin("user b", "from x") == 0 {
		t.Error("another user or another address is a way around")
	}
	if throttle.Begin("user b", "from y") != 0 {
		t.Error("others are slowed as well")
	}
	now = now.Add(2 * forget)
	if throttle.Begin("user a", "from x") != 0 {
		t.Error("it is never forgotten")
	}
}

func TestALoginOfOnesOwnDoesNotHelpToGuess(t *testing.T) {
	throttle := NewThrottle()
	for range free {
		throttle.Begin("user a", "from x")
		if throttle.Begin("user mine", "from x") == 0 {
			throttle.Succeed("user mine", "from x")
		}
	}
	if throttle.Begin("user b", "from x") == 0 {
		t.Error("the address is not slowed")
	}
}

func TestManyKeysDoNotFillTheMemory(t *testing.T) {
	throttle := NewThrottle()
	for number := range 3 * maxKept {
		throttle.Begin(string(rune(number)) + "x")
	}
	if len(throttle.kept) > maxKept+2 {
		t.Error(len(throttle.kept))
	}
}
