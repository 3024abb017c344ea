package alerts

import (
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func TestConditionsAreDebounced(t *testing.T) {
	sick := []Finding{down("daemon", "it does not answer")}
	for name, test := range map[string]struct {
		looks map[int][]Finding // seconds → what is found
		want  []string
	}{
		"what is short is not told":        {map[int][]Finding{0: sick, 30: nil, 60: sick, 90: nil, 300: nil}, nil},
		"what lasts is told once":          {map[int][]Finding{0: sick, 60: sick, 120: sick, 180: sick}, []string{"failing@120"}},
		"well again, after as long":        {map[int][]Finding{0: sick, 120: sick, 150: nil, 269: nil, 270: nil, 300: nil}, []string{"failing@120", "well@270"}},
		"what comes and goes is told once": {map[int][]Finding{0: sick, 120: sick, 150: nil, 180: sick, 210: nil, 240: sick, 270: nil, 390: nil}, []string{"failing@120", "well@390"}},
		"it is told again while it lasts":  {map[int][]Finding{0: sick, 120: sick, 3719: sick, 3720: sick, 3800: sick}, []string{"failing@120", "failing@3720"}},
	} {
		conditions := Conditions{After: 2 * time.Minute, Again: time.Hour}
		var told []string
		var seconds []int
		for each := range test.looks {
			seconds = append(seconds, each)
		}
		slices.Sort(seconds)
		for _, each := range seconds {
			for _, alert := range conditions.Update("daemon", test.looks[each], at(each)) {
				told = append(told, alert.State+"@"+time.Duration(alert.Time.Sub(noon)).String())
			}
		}
		var want []string
		for _, each := range test.want {
			state, after, _ := cutAt(each)
			want = append(want, state+"@"+after.String())
		}
		if !slices.Equal(told, want) {
			t.Errorf("%s: told %v, not %v", name, told, want)
		}
	}
}

func cutAt(text string) (string, time.Duration, error) {
	for i := range text {
		if text[i] == '@' {
			duration, err := time.ParseDuration(text[i+1:] + "s")
			return text[:i], duration, err
		}
	}
	return text, 0, nil
}

func TestASourceThatIsNotLookedAtKeepsWhatItFound(t *testing.T) {
	conditions := Conditions{}
	conditions.Update("daemon", []Finding{down("daemon", "")}, at(0))
	if told := conditions.Update("queue", nil, at(60)); len(told) > 0 {
		t.Errorf("told %v", told)
	}
	told := conditions.Update("daemon", nil, at(90))
	if len(told) != 1 || told[0].Title != "The service daemon is up again" || told[0].Text != "It lasted 1m30s." {
		t.Errorf("told %v", told)
	}
}

func TestRestarts(t *testing.T) {
	seen := restarts{}
	for at, test := range []struct {
		start start
		after int // seconds
		want  int
	}{
		{start{"a", "1"}, 0, 0},
		{start{"a", "1"}, 30, 0},
		{start{}, 60, 0},
		{start{"a", "2"}, 90, 1},
		{start{"a", "3"}, 120, 2},
		{start{"b", "1"}, 150, 2}, // a deploy
		{start{"b", "2"}, 180, 3},
		{start{"b", "2"}, 180 + 601, 0},
	} {
		if got := seen.see("pipes", test.start, noon.Add(time.Duration(test.after)*time.Second)); got != test.want {
			t.Errorf("%d: %d restarts, not %d", at, got, test.want)
		}
	}
}
