package alerts

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
)

// state is what outlives a restart of the service: what was told, and what is still to be delivered.
type state struct {
	Runs       Runs
	Conditions map[string]*Condition
	Letters    []Letter
}

// store keeps the state in a file, which is written when it changes.
type store struct {
	path    string
	written []byte
}

// read returns what was written; nothing if that cannot be read.
func (s *store) read() state {
	var found state
	text, err := os.ReadFile(s.path)
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil {
		return state{}
	}
	return found
}

// write replaces the file in one step.
func (s *store) write(now state) error {
	text, err := json.Marshal(now)
	if err != nil || bytes.Equal(text, s.written) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	beside := s.path + ".next"
	if err := os.WriteFile(beside, text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(beside, s.path); err != nil {
		return err
	}
	s.written = text
	return nil
}
