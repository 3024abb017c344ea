package alerts

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func failed(id string, end int) Run {
	return Run{ID: id, Job: "daily", Location: "pipes", Failed: true, End: at(end), WillRetry: "false"}
}

func succeeded(id string, end int) Run {
	return Run{ID: id, Job: "daily", Location: "pipes", End: at(end)}
}

type look struct {
	at     int
	ended  []Run
	waited []Run
	want   []string
}

func TestRuns(t *testing.T) {
	retried := failed("a", 0)
	retried.WillRetry = "true"
	launched, givenUp := retried, retried
	launched.Retried = true
	givenUp.WillRetry = "false"
	last := failed("b", 100)
	last.Retry = "2"
	quiet := failed("a", 0)
	quiet.Quiet = true
	untagged := failed("a", 10)
	untagged.WillRetry = ""
	assets := failed("a", 0)
	assets.Job = assetJob
	for name, looks := range map[string][]look{
		"a failure is told once": {
			{10, []Run{failed("a", 0)}, nil, []string{"A run of daily failed"}},
			{40, []Run{failed("a", 0)}, nil, nil},
		},
		"more failures are told together, and later": {
			{10, []Run{failed("a", 0)}, nil, []string{"A run of daily failed"}},
			{40, []Run{failed("b", 30), failed("c", 31)}, nil, nil},
			{70, []Run{failed("d", 60)}, nil, nil},
			{910, nil, nil, []string{"3 runs of daily failed"}},
			{940, nil, nil, nil},
		},
		"it is well after a success that no failure follows": {
			{10, []Run{failed("a", 0)}, nil, []string{"A run of daily failed"}},
			{40, []Run{succeeded("b", 30)}, nil, nil},
			{70, []Run{failed("c", 60)}, nil, nil},
			{910, []Run{succeeded("d", 900)}, nil, []string{"A run of daily failed"}},
			{1029, nil, nil, nil},
			{1030, nil, nil, []string{"daily succeeded again"}},
			{1060, nil, nil, nil},
		},
		"a success alone is nothing to tell": {{10, []Run{succeeded("a", 0)}, nil, nil}},
		"a retry that is launched is no failure": {
			{10, []Run{retried}, nil, nil},
			{20, nil, []Run{retried}, nil},
			{30, nil, []Run{launched}, nil},
			{40, nil, nil, nil},
		},
		"of what is retried the last failure is told": {
			{10, []Run{retried}, []Run{}, nil},
			{110, []Run{last}, []Run{launched}, []string{"A run of daily failed, and its last retry, number 2, too"}},
		},
		"a retry that is given up": {
			{10, []Run{retried}, nil, nil},
			{20, nil, []Run{givenUp}, []string{"A run of daily failed"}},
		},
		"a retry that never comes": {
			{10, []Run{retried}, nil, nil},
			{7 * 3600, nil, []Run{retried}, nil},
			{7*3600 + 1, nil, []Run{retried}, []string{"A run of daily failed, and the retry that was due was not made"}},
		},
		"the tag is waited for": {
			{11, []Run{untagged}, nil, nil},
			{16, []Run{untagged}, nil, []string{"A run of daily failed"}},
		},
		"a job that is not told":       {{10, []Run{quiet}, nil, nil}},
		"assets have no job of a name": {{10, []Run{assets}, nil, []string{"A run of assets in pipes failed"}}},
	} {
		runs := &Runs{}
		runs.Since(at(0))
		for _, each := range looks {
			runs.Take(each.ended, each.waited, at(each.at))
			var told []string
			for _, one := range runs.Due(at(each.at), 2*time.Minute) {
				told = append(told, one.Alert.Title)
			}
			if !slices.Equal(told, each.want) {
				t.Errorf("%s, at %d: told %q, not %q", name, each.at, told, each.want)
			}
			text, err := json.Marshal(runs) // as over a restart of the service
			if err != nil {
				t.Fatal(err)
			}
			runs = &Runs{}
			if err := json.Unmarshal(text, runs); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRunsOfALongTimeAgoAreNotLookedFor(t *testing.T) {
	runs := &Runs{}
	if got := runs.Since(at(0)); !got.Equal(at(-60)) {
		t.Errorf("at first from %v", got)
	}
	runs.Take(nil, nil, at(30))
	if got := runs.Since(at(600)); !got.Equal(at(-30)) {
		t.Errorf("then from %v", got)
	}
}

func TestExplain(t *testing.T) {
	inner := `{"message": "ValueError: no <luck>\n", "cls_name": "ValueError", "stack": []}`
	entry := `{"dagster_event": {"step_key": "load", "message": "Execution failed", "event_specific_data": {"error": ` +
		`{"message": "dagster._core.errors.DagsterExecutionStepExecutionError: Error", "cls_name": "X", "stack": [], "cause": ` + inner + `}}}}`
	if got := explain([]byte(entry)); got != "Step load: ValueError: no <luck>" {
		t.Errorf("got %q", got)
	}
	if got := explain([]byte(`{"dagster_event": {"message": "The process was killed"}}`)); got != "The process was killed" {
		t.Errorf("got %q", got)
	}
	if got := explain([]byte(`{`)); got != "" {
		t.Errorf("got %q", got)
	}
	long := explain([]byte(`{"dagster_event": {"message": "` + strings.Repeat("é", 500) + `"}}`))
	if got := []rune(long); len(got) != 400 || got[399] != '…' {
		t.Errorf("got %d characters", len(got))
	}
}
