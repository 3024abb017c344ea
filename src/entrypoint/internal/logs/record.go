package logs

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// record is what becomes a line. Fields that are "" are left out.
type record struct {
	labels                Labels
	time                  time.Time // when the line came, if it is zero
	level, logger, stream string
	stepKey, eventType    string
	message, exception    string
	more                  map[string]any
}

// line returns the record as JSON, with the fields that people look at first in front. It is valid UTF-8,
// whatever the service wrote: what is none is replaced.
func (r record) line(now time.Time) []byte {
	if r.time.IsZero() {
		r.time = now
	}
	if r.stepKey == "" && len(r.labels.Steps) == 1 {
		r.stepKey = r.labels.Steps[0]
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	out.WriteString(`{`)
	add := func(name string, value any) {
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		before := out.Len()
		if encoder.Encode(name) != nil {
			return
		}
		out.Truncate(out.Len() - 1) // the encoder's newline
		out.WriteByte(':')
		if err := encoder.Encode(value); err != nil {
			out.Truncate(before)
			return
		}
		out.Truncate(out.Len() - 1)
	}
	add("time", r.time.UTC().Format("2006-01-02T15:04:05.000000Z07:00"))
	add("level", r.level)
	add("service", r.labels.Service)
	for _, field := range [][2]string{
		{"location", r.labels.Location},
		{"run_id", r.labels.RunID},
		{"job_name", r.labels.JobName},
		{"step_key", r.stepKey},
		{"logger", r.logger},
		{"event_type", r.eventType},
	} {
		if field[1] != "" {
			add(field[0], field[1])
		}
	}
	add("message", r.message)
	if r.exception != "" {
		add("exception", r.exception)
	}
	add("stream", r.stream)
	for _, name := range slices.Sorted(maps.Keys(r.more)) {
		if !slices.Contains(reserved, name) {
			add(name, r.more[name])
		}
	}
	out.WriteString("}\n")
	return out.Bytes()
}

// reserved are the fields that a service's own line cannot bring along.
var reserved = []string{
	"time", "level", "service", "location", "run_id", "job_name", "step_key", "logger", "event_type",
	"message", "exception", "stream",
}

const info, warning, failed, critical = "info", "warning", "error", "critical"

// levels are those of Python and of Postgres, by the names that Dagster has in its own JSON.
var levels = map[string]string{
	"DEBUG": "debug", "DEBUG1": "debug", "DEBUG2": "debug", "DEBUG3": "debug", "DEBUG4": "debug", "DEBUG5": "debug",
	"INFO": info, "LOG": info, "NOTICE": info, "DETAIL": info, "HINT": info, "STATEMENT": info, "CONTEXT": info,
	"QUERY": info, "LOCATION": info,
	"WARNING": warning, "WARN": warning,
	"ERROR": failed, "EXCEPTION": failed,
	"CRITICAL": critical, "FATAL": critical, "PANIC": critical,
}

func level(name string) string {
	if found := levels[strings.ToUpper(name)]; found != "" {
		return found
	}
	return info
}
