package stamp

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestEveryChangeIsNoticed(t *testing.T) {
	folder, when := t.TempDir(), time.Now()
	first, second := filepath.Join(folder, "first"), filepath.Join(folder, "second")
	write := func(path, text string) {
		t.Helper()
		// Beside it and moved, as `./dagnix` writes; all within one tick of the clock.
		beside := filepath.Join(folder, "beside")
		if err := os.WriteFile(beside, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(beside, when, when); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(beside, path); err != nil {
			t.Fatal(err)
		}
	}
	last := Of(first, second)
	for _, step := range []struct {
		name   string
		change func()
	}{
		{"made", func() { write(first, "one") }},
		{"replaced by one of the same size", func() { write(first, "two") }},
		{"another one is made", func() { write(second, "two") }},
		{"removed", func() { _ = os.Remove(first) }},
		{"moved", func() { _ = os.Rename(second, first) }},
	} {
		step.change()
		now := Of(first, second)
		if now == last {
			t.Error("not noticed:", step.name)
		}
		if again := Of(first, second); again != now {
			t.Error("another one without a change:", step.name)
		}
		last = now
	}
}
