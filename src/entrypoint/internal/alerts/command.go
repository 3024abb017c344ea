package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// program is a command in this container, which gets an alert as JSON on its standard input. It stands
// in the folder config/alerts of the project, or in the image: Python does.
type program struct{ words []string }

// Programs is where the project's folder config/alerts is mounted, and in which commands are run.
var Programs = "/etc/dagnix/alerts"

func parseCommand(text string) (Channel, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, errors.New("what is set is no command")
	}
	return program{words}, nil
}

func (p program) Send(ctx context.Context, alert Alert) error {
	text, err := json.Marshal(alert)
	if err != nil {
		return err
	}
	run := exec.CommandContext(ctx, p.words[0], p.words[1:]...)
	run.Dir = Programs
	// It gets no password of Postgres's.
	run.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"}
	run.Stdin = bytes.NewReader(append(text, '\n'))
	run.WaitDelay = time.Second
	said := new(bytes.Buffer)
	run.Stdout, run.Stderr = said, said
	if err := run.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s did not end within %.0f s", p.words[0], attempt.Seconds())
		}
		if words := oneLine(said.String(), 200); words != "" {
			return fmt.Errorf("%s: %w: %s", p.words[0], err, words)
		}
		return fmt.Errorf("%s: %w", p.words[0], err)
	}
	return nil
}
