package logs

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	colour = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// dagster is the format of all of Dagster's loggers (dagster._utils.log.default_format_string).
	dagster = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} - (\S+) - ([A-Z]+) - (.*)$`)
	// ofRun is what a run's own logger has in front of each message: the job, the run, and for an event the
	// process, the step if it is of one, and its type (dagster._core.log_manager).
	ofRun = regexp.MustCompile(`^(.+?) - ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}) - (.*)$`)
	event = regexp.MustCompile(`^\d+ - (?:(\S+) - )?([A-Z]+(?:_[A-Z]+)+) - (.*)$`)
	// postgres is log_line_prefix in internal/cluster/settings.go, and what Postgres itself writes after it.
	postgres = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+ \[\d+\] (?:\S+@\S+ )?([A-Z]+\d?):  (.*)$`)
	// severity is how uvicorn, and many others, begin a line.
	severity = regexp.MustCompile(`^(DEBUG|INFO|WARNING|ERROR|CRITICAL|FATAL): `)
	warned   = regexp.MustCompile(`^\S.*:\d+: \w*Warning: `)
	crashed  = regexp.MustCompile(`^(panic: |fatal error: |Fatal Python error: )`)

	exceptionLine = regexp.MustCompile(`^[A-Za-z_][\w.]*(: .*)?$`)
)

const (
	traceback  = "Traceback (most recent call last):"
	stackTrace = "Stack Trace:" // as Dagster writes one
	// most is how long an exception may be in one record.
	most = 256 << 10
)

// parser makes records of lines. It keeps one for as long as its exception may go on.
type parser struct {
	pending *record
	lines   []string // of its exception
	size    int
	isOpen  bool // all that follows belongs to it, until the next record's head: it came in one write
	keeps   func(line string) bool
}

// waits tells whether a record waits for more lines.
func (p *parser) waits() bool { return p.pending != nil }

// parse takes a line.
func (p *parser) parse(line []byte, labels Labels, stream string, write func(record)) {
	if r, ok := fromJSON(line); ok {
		p.flush(write)
		r.stream = stream
		write(r.with(labels))
		return
	}
	text := clean(line)
	r, isHead := fromHead(text, labels)
	if p.pending != nil && !isHead && p.size < most && p.keeps(text) {
		p.lines = append(p.lines, text)
		p.size += len(text)
		return
	}
	p.flush(write)
	r.labels, r.stream = labelsOf(r, labels), stream
	switch {
	case strings.TrimSpace(text) == traceback:
		r.level = failed
		p.begin(r, p.goesOn)
		p.lines = append(p.lines, text)
	case isHead && postgres.MatchString(text):
		p.begin(r, func(line string) bool { return strings.HasPrefix(line, "\t") })
	case (isHead && r.logger != "" || r.level == warning) && r.level != info && r.level != "debug":
		p.begin(r, p.belongs)
	case isHead && r.level == failed:
		p.begin(r, func(line string) bool { return line == traceback || len(p.lines) > 0 && p.goesOn(line) })
	default:
		write(r)
	}
}

// text takes a part of a long line.
func (p *parser) text(line []byte, labels Labels, stream string, write func(record)) {
	p.flush(write)
	write(record{labels: labels, stream: stream, level: info, message: clean(line)})
}

func (p *parser) begin(r record, keeps func(string) bool) {
	p.pending, p.lines, p.size, p.keeps = &r, nil, 0, keeps
}

// belongs tells whether a line belongs to an error or a warning of Dagster's: it has an exception after an
// empty line, or a traceback at once.
func (p *parser) belongs(line string) bool {
	return len(p.lines) > 0 || line == "" || line == traceback || line == stackTrace
}

// goesOn tells whether a line belongs to Python's traceback, which may have further ones after it.
func (p *parser) goesOn(line string) bool {
	before := p.lines[len(p.lines)-1]
	isIndented := func(text string) bool { return strings.HasPrefix(text, " ") }
	switch {
	case line == "" || isIndented(line):
		return true
	case before == "":
		return line == traceback || strings.HasPrefix(line, "During handling of the above exception") ||
			strings.HasPrefix(line, "The above exception was")
	default:
		return isIndented(before) && exceptionLine.MatchString(line)
	}
}

// flush writes the record that waits.
func (p *parser) flush(write func(record)) {
	if p.pending == nil {
		return
	}
	r, lines := *p.pending, p.lines
	p.pending, p.lines, p.size = nil, nil, 0
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	switch {
	case len(lines) == 0:
	case strings.HasPrefix(lines[0], "\t"): // a statement of Postgres's
		for _, each := range lines {
			r.message += "\n" + strings.TrimPrefix(each, "\t")
		}
	default:
		r.exception = strings.TrimLeft(strings.Join(lines, "\n"), "\n")
		if r.message == traceback {
			r.message = lines[len(lines)-1]
		}
	}
	write(r)
}

// clean makes text of a line.
func clean(line []byte) string {
	text := strings.ToValidUTF8(string(line), "\ufffd")
	if !strings.Contains(text, "\x1b[") {
		return text
	}
	return colour.ReplaceAllString(text, "")
}

// fromHead makes a record of a line of text; false, if it does not have the head of a record.
func fromHead(text string, labels Labels) (record, bool) {
	r := record{level: info, message: text}
	if text == "" {
		return r, false
	}
	if text[0] < '0' || text[0] > '9' { // no date, so no logger's: most lines, and faster
		return fromOther(r)
	}
	if found := dagster.FindStringSubmatch(text); found != nil {
		r.logger, r.level, r.message = found[1], level(found[2]), found[3]
		return r.ofRun(labels), true
	}
	if found := postgres.FindStringSubmatch(text); found != nil {
		r.logger, r.level, r.message = "postgres", level(found[1]), found[2]
		if details[found[1]] {
			r.message = found[1] + ":  " + r.message
		}
		return r, true
	}
	return fromOther(r)
}

// fromOther finds the level of a line that no logger has written; true, if the line names it first.
func fromOther(r record) (record, bool) {
	text := r.message
	if found := severity.FindStringSubmatch(text); found != nil {
		r.level = level(found[1])
		return r, true
	}
	switch {
	case strings.Contains(text, "Warning: ") && warned.MatchString(text):
		r.level = warning
	case crashed.MatchString(text):
		r.level = critical
	}
	return r, false
}

// details are what Postgres says of the record before.
var details = map[string]bool{"DETAIL": true, "HINT": true, "STATEMENT": true, "CONTEXT": true, "QUERY": true, "LOCATION": true}

// ofRun takes apart the message of a run's logger.
func (r record) ofRun(labels Labels) record {
	found := ofRun.FindStringSubmatch(r.message)
	if found == nil {
		return r
	}
	r.labels.JobName, r.labels.RunID, r.message = found[1], found[2], found[3]
	if found := event.FindStringSubmatch(r.message); found != nil {
		r.stepKey, r.eventType, r.message = found[1], found[2], found[3]
		return r
	}
	// A message of the code's, which may itself have a dash.
	if step, rest, found := strings.Cut(r.message, " - "); found && slices.Contains(labels.Steps, step) {
		r.stepKey, r.message = step, rest
	}
	return r
}

// labelsOf returns the labels of a source, and of the record where the source has none.
func labelsOf(r record, labels Labels) Labels {
	if labels.RunID == "" {
		labels.RunID, labels.JobName = r.labels.RunID, r.labels.JobName
	}
	return labels
}

func (r record) with(labels Labels) record {
	r.labels = labelsOf(r, labels)
	return r
}

// What other programs cannot parse, although it is JSON.
const deepest, longestNumber = 20, 32

// fromJSON makes a record of a line that is one already: of Dagster's --log-format json, of its
// json_console_logger, or of the gate's audit. Any other line is text, whatever it looks like.
func fromJSON(line []byte) (record, bool) {
	line = bytes.TrimSpace(line)
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return record{}, false
	}
	decoder := json.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(line, []byte("\ufffd"))))
	decoder.UseNumber()
	fields := map[string]any{}
	if decoder.Decode(&fields) != nil || decoder.More() || !isTame(fields, deepest) {
		return record{}, false
	}
	take := func(name string) string {
		text, _ := fields[name].(string)
		delete(fields, name)
		return text
	}
	r := record{level: info, more: fields}
	switch {
	case isText(fields, "event", "level", "logger", "timestamp"): // structlog
		r.message, r.level, r.logger, r.exception = take("event"), level(take("level")), take("logger"), take("exception")
		r.time, _ = time.Parse(time.RFC3339Nano, take("timestamp"))
	case isText(fields, "event", "time", "who"): // the gate's audit
		r.message, _ = fields["event"].(string)
		r.time, _ = time.Parse(time.RFC3339Nano, take("time"))
	case isText(fields, "name", "msg", "levelname"): // a LogRecord of Python's
		r.logger, r.message, r.level, r.exception = take("name"), take("msg"), level(take("levelname")), take("exc_text")
		for _, each := range redundant {
			delete(fields, each)
		}
		r.fromMeta()
	default:
		return record{}, false
	}
	return r, true
}

// redundant is what a LogRecord has beside its message.
var redundant = []string{
	"args", "levelno", "created", "msecs", "relativeCreated", "exc_info", "stack_info", "taskName", "filename", "module",
}

// fromMeta takes what Dagster knows of a record: the run, the step, and the message alone.
func (r *record) fromMeta() {
	meta, _ := r.more["dagster_meta"].(map[string]any)
	text := func(name string) string { text, _ := meta[name].(string); return text }
	r.labels.RunID, r.labels.JobName, r.stepKey = text("run_id"), text("job_name"), text("step_key")
	if original := text("orig_message"); original != "" {
		r.message = original
	}
	if event, _ := meta["dagster_event"].(map[string]any); event != nil {
		r.eventType, _ = event["event_type_value"].(string)
	}
}

func isText(fields map[string]any, names ...string) bool {
	for _, name := range names {
		if _, ok := fields[name].(string); !ok {
			return false
		}
	}
	return true
}

// isTame tells whether a value has no number and no depth that readers stumble over.
func isTame(value any, depth int) bool {
	switch value := value.(type) {
	case json.Number:
		return len(value) <= longestNumber
	case map[string]any:
		for _, each := range value {
			if depth == 0 || !isTame(each, depth-1) {
				return false
			}
		}
	case []any:
		for _, each := range value {
			if depth == 0 || !isTame(each, depth-1) {
				return false
			}
		}
	}
	return true
}
