// Package audit writes a line for each change that somebody asks for.
package audit

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// Entry is one line.
type Entry struct {
	Time    string         `json:"time"`
	Event   string         `json:"event"` // change, login, logout
	Who     string         `json:"who"`
	Role    string         `json:"role,omitempty"`
	From    string         `json:"from"` // address, as the gate sees it
	What    string         `json:"what,omitempty"`
	On      map[string]any `json:"on,omitempty"`
	Refused string         `json:"refused,omitempty"` // why
}

// Log writes entries as lines of JSON.
type Log struct {
	mutex sync.Mutex
	to    io.Writer
}

// New returns a log that writes to `to`.
func New(to io.Writer) *Log { return &Log{to: to} }

// Write adds the time and writes an entry.
func (l *Log) Write(entry Entry) {
	entry.Time = time.Now().UTC().Format(time.RFC3339Nano)
	line, err := json.Marshal(entry)
	if err != nil {
		line, _ = json.Marshal(Entry{Time: entry.Time, Event: entry.Event, Who: entry.Who, What: entry.What})
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, _ = l.to.Write(append(line, '\n'))
}
