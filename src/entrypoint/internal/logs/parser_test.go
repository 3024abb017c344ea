package logs

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	run   = "0b4c1b4e-7d0b-4b6c-8f0e-3a2b1c0d9e8f"
	other = "11111111-2222-3333-4444-555555555555"
)

// records parses lines, and returns what they become, without the fields that all have.
func records(t *testing.T, labels Labels, lines ...string) []map[string]any {
	t.Helper()
	var found []map[string]any
	write := func(r record) {
		var fields map[string]any
		if err := json.Unmarshal(r.line(time.Unix(0, 0)), &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"service", "stream"} {
			delete(fields, name)
		}
		if fields["time"] == "1970-01-01T00:00:00.000000Z" {
			delete(fields, "time")
		}
		found = append(found, fields)
	}
	var p parser
	for _, line := range lines {
		p.parse([]byte(line), labels, "stderr", write)
	}
	p.flush(write)
	return found
}

func TestLines(t *testing.T) {
	ofRun := Labels{RunID: run, JobName: "nightly"}
	inStep := Labels{RunID: run, JobName: "nightly", Steps: []string{"load"}}
	inSteps := Labels{RunID: run, JobName: "nightly", Steps: []string{"load", "save"}}
	for name, test := range map[string]struct {
		labels Labels
		lines  []string
		want   string
	}{
		"text":     {Labels{}, []string{"hello"}, `[{"level":"info","message":"hello"}]`},
		"in a run": {ofRun, []string{"x"}, `[{"level":"info","message":"x","run_id":"` + run + `","job_name":"nightly"}]`},
		"in a step": {inStep, []string{"x"},
			`[{"level":"info","message":"x","run_id":"` + run + `","job_name":"nightly","step_key":"load"}]`},
		"Dagster's, in colour": {Labels{}, []string{"\x1b[32m2026-11-29 07:51:09 +0000\x1b[0m - dagster.daemon - \x1b[34mWARNING\x1b[0m - careful - now"},
			`[{"level":"warning","logger":"dagster.daemon","message":"careful - now"}]`},
		"an event": {inSteps, []string{"2026-11-29 07:51:09 +0000 - dagster - DEBUG - nightly - " + run + " - 99 - load - STEP_START - Started execution of step \"load\"."},
			`[{"level":"debug","logger":"dagster","event_type":"STEP_START","run_id":"` + run + `","job_name":"nightly","step_key":"load","message":"Started execution of step \"load\"."}]`},
		"a run's event": {Labels{}, []string{"2026-11-29 07:51:09 +0000 - dagster - DEBUG - nightly - " + run + " - 99 - RUN_START - Started."},
			`[{"level":"debug","logger":"dagster","event_type":"RUN_START","run_id":"` + run + `","job_name":"nightly","message":"Started."}]`},
		"of the code, in one of the steps": {inSteps, []string{"2026-11-29 07:51:09 +0000 - dagster - INFO - nightly - " + run + " - save - a - b"},
			`[{"level":"info","logger":"dagster","run_id":"` + run + `","job_name":"nightly","step_key":"save","message":"a - b"}]`},
		"of the code, in no step": {inSteps, []string{"2026-11-29 07:51:09 +0000 - dagster - INFO - nightly - " + run + " - a - b"},
			`[{"level":"info","logger":"dagster","run_id":"` + run + `","job_name":"nightly","message":"a - b"}]`},
		"a run cannot speak for another one": {ofRun, []string{"2026-11-29 07:51:09 +0000 - dagster - INFO - evil - " + other + " - x"},
			`[{"level":"info","logger":"dagster","run_id":"` + run + `","job_name":"nightly","message":"x"}]`},
		"an error with its exception": {Labels{}, []string{"2026-11-29 07:51:09 +0000 - dagster.x - ERROR - it failed", "", "ValueError: 1", "of two lines", "", "Stack Trace:", `  File "x"`, "", "2026-11-29 07:51:09 +0000 - dagster.x - INFO - on"},
			`[{"level":"error","logger":"dagster.x","message":"it failed","exception":"ValueError: 1\nof two lines\n\nStack Trace:\n  File \"x\""},{"level":"info","logger":"dagster.x","message":"on"}]`},
		"a warning with one": {Labels{}, []string{"/x.py:8: UserWarning: away:dagster.Unreachable: it is", "", "Stack Trace:", `  File "x"`, "after it"},
			`[{"level":"warning","message":"/x.py:8: UserWarning: away:dagster.Unreachable: it is","exception":"Stack Trace:\n  File \"x\"\nafter it"}]`},
		"an error without one": {Labels{}, []string{"2026-11-29 07:51:09 +0000 - dagster.x - ERROR - it failed", "printed"},
			`[{"level":"error","logger":"dagster.x","message":"it failed"},{"level":"info","message":"printed"}]`},
		"a traceback": {Labels{}, []string{"before", traceback, `  File "x"`, "    1 / 0", "ZeroDivisionError: division by zero", "", "During handling of the above exception, another exception occurred:", "", traceback, `  File "y"`, "OSError", "", "after"},
			`[{"level":"info","message":"before"},{"level":"error","message":"OSError","exception":"Traceback (most recent call last):\n  File \"x\"\n    1 / 0\nZeroDivisionError: division by zero\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"y\"\nOSError"},{"level":"info","message":"after"}]`},
		"uvicorn's": {Labels{}, []string{"ERROR:    Exception in ASGI application", traceback, `  File "x"`, "OSError: away", "Result: 5"},
			`[{"level":"error","message":"ERROR:    Exception in ASGI application","exception":"Traceback (most recent call last):\n  File \"x\"\nOSError: away"},{"level":"info","message":"Result: 5"}]`},
		"a warning of Python's": {Labels{}, []string{"/opt/x.py:8: UserWarning: careful"}, `[{"level":"warning","message":"/opt/x.py:8: UserWarning: careful"}]`},
		"a crash":               {Labels{}, []string{"panic: x"}, `[{"level":"critical","message":"panic: x"}]`},
		"Postgres's": {Labels{}, []string{"2026-11-29 07:51:09.123 UTC [27] dagster@dagster ERROR:  syntax error", "2026-11-29 07:51:09.123 UTC [27] dagster@dagster STATEMENT:  SELECT", "\t1,", "\t\t2", "2026-11-29 07:51:10.000 UTC [1] FATAL:  no", "x"},
			`[{"level":"error","logger":"postgres","message":"syntax error"},{"level":"info","logger":"postgres","message":"STATEMENT:  SELECT\n1,\n\t2"},{"level":"critical","logger":"postgres","message":"no"},{"level":"info","message":"x"}]`},
		"structlog's JSON": {Labels{}, []string{`{"event": "hi", "level": "warning", "logger": "dagster.x", "timestamp": "2026-11-29T07:51:02.251662Z", "a": {"b": 1}, "service": "evil", "run_id": "x"}`},
			`[{"time":"2026-11-29T07:51:02.251662Z","level":"warning","logger":"dagster.x","message":"hi","a":{"b":1}}]`},
		"json_console_logger's": {Labels{}, []string{`{"name": "dagster", "msg": "nightly - x - hi", "args": [], "levelname": "INFO", "levelno": 20, "lineno": 7, "exc_info": null, "exc_text": null, "dagster_meta": {"run_id": "` + run + `", "job_name": "nightly", "step_key": "load", "orig_message": "hi", "dagster_event": {"event_type_value": "STEP_START"}}}`},
			`[{"level":"info","logger":"dagster","event_type":"STEP_START","message":"hi","lineno":7,"run_id":"` + run + `","job_name":"nightly","step_key":"load","dagster_meta":{"run_id":"` + run + `","job_name":"nightly","step_key":"load","orig_message":"hi","dagster_event":{"event_type_value":"STEP_START"}}}]`},
		"the gate's audit": {Labels{}, []string{`{"time":"2026-11-29T07:51:02.2Z","event":"login","who":"ada","from":"127.0.0.1","refused":"no"}`},
			`[{"time":"2026-11-29T07:51:02.200000Z","level":"info","message":"login","event":"login","who":"ada","from":"127.0.0.1","refused":"no"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			var want []map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if got := records(t, test.labels, test.lines...); !reflect.DeepEqual(got, want) {
				shown, _ := json.Marshal(got)
				t.Errorf("%s", shown)
			}
		})
	}
}

// What looks like a record and would not be parsed by all readers is text.
func TestJSONThatReadersStumbleOverIsText(t *testing.T) {
	head := `{"event": "x", "level": "info", "logger": "l", "timestamp": "t", "a": `
	for _, line := range []string{
		`{"a": 1}`, `{"event": "x"}`, `{}`, head + `1} trailing}`, `[1]`, head + `NaN}`,
		head + strings.Repeat("[", 900) + strings.Repeat("]", 900) + "}",
		head + strings.Repeat("9", 5000) + "}",
	} {
		if got := records(t, Labels{}, line); len(got) != 1 || got[0]["message"] != line {
			t.Errorf("%.60s: %v", line, got)
		}
	}
	got := records(t, Labels{}, head+`"\ud800", "`+"\xff"+`": 1}`)
	if len(got) != 1 || got[0]["a"] != "\ufffd" || got[0]["message"] != "x" {
		t.Error(got)
	}
}

func TestAnExceptionIsBounded(t *testing.T) {
	lines := []string{"2026-11-29 07:51:09 +0000 - dagster.x - ERROR - it failed", ""}
	for range 100 {
		lines = append(lines, strings.Repeat("x", 10_000))
	}
	got := records(t, Labels{}, lines...)
	if len(got) < 50 || len(got[0]["exception"].(string)) > most+20_000 {
		t.Errorf("%d records", len(got))
	}
}

func TestARunInAJobOfKubernetes(t *testing.T) {
	t.Setenv("DAGSTER_RUN_JOB_NAME", "nightly")
	args := `{"__class__": "ExecuteRunArgs", "pipeline_run_id": "` + run + `"}`
	got := Labels{Service: "pipes"}.OfRun([]string{"dagster", "api", "execute_run", args})
	if got.RunID != run || got.JobName != "nightly" || got.Service != "pipes" {
		t.Error(got)
	}
	if got := (Labels{}).OfRun([]string{"dagster", "api", "grpc", "--port"}); got.RunID != "" {
		t.Error(got)
	}
}
