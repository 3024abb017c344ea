package logs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	// longest is how many bytes of a line one record has; a longer line becomes several.
	longest = 64 << 10
	// patience is for the next line of a traceback; what is there until then becomes one record.
	patience = 200 * time.Millisecond
	// largestPipe is what a pipe can hold at most, for a user without rights (fs.pipe-max-size).
	largestPipe = 1 << 20
)

// source is a pipe that one stream of one or more processes comes from.
type source struct {
	file   *os.File
	stream string
	mutex  sync.Mutex
	labels Labels
	parser parser
	line   []byte // begun, and not at its end
	broken bool   // whether the beginning of that line is a record already
	ended  atomic.Bool
}

func newSource(file *os.File, stream string, labels Labels) *source {
	return &source{file: file, stream: stream, labels: labels}
}

// label says whose output comes from now on.
func (s *source) label(change func(*Labels)) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change(&s.labels)
}

func (s *source) labelled() Labels {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.labels
}

// follow reads until all who write have ended, or it is told to end.
func (s *source) follow(write func(record)) {
	defer s.file.Close()
	part := make([]byte, 16<<10)
	for {
		n, err := s.file.Read(part)
		s.take(part[:n], write)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && !s.ended.Load():
			s.parser.flush(write)
		default:
			if !errors.Is(err, io.EOF) {
				s.drain(part, write)
			}
			s.flush(write)
			return
		}
		s.wait()
	}
}

// wait sets how long the next read may take.
func (s *source) wait() {
	switch {
	case s.ended.Load():
		_ = s.file.SetReadDeadline(time.Now())
	case s.parser.waits():
		_ = s.file.SetReadDeadline(time.Now().Add(patience))
	default:
		_ = s.file.SetReadDeadline(time.Time{})
	}
	if s.ended.Load() { // since the first look
		_ = s.file.SetReadDeadline(time.Now())
	}
}

// end has it read what is there, and no more.
func (s *source) end() {
	s.ended.Store(true)
	_ = s.file.SetReadDeadline(time.Now())
}

// drain reads what is there: after a deadline a read of os.File reads nothing. Of a process that writes on
// and on no more is taken than a pipe can have held.
func (s *source) drain(part []byte, write func(record)) {
	connection, err := s.file.SyscallConn()
	if err != nil {
		return
	}
	for taken := 0; taken < largestPipe; {
		var n int
		var failed error
		err := connection.Control(func(file uintptr) { n, failed = syscall.Read(int(file), part) })
		if err != nil || failed != nil || n <= 0 {
			return
		}
		s.take(part[:n], write)
		taken += n
	}
}

// take takes bytes, and writes the records that are complete.
func (s *source) take(part []byte, write func(record)) {
	for len(part) > 0 {
		end := bytes.IndexByte(part, '\n')
		if end < 0 {
			s.add(part, write)
			return
		}
		s.add(part[:end], write)
		s.complete(write)
		part = part[end+1:]
	}
}

// add adds to the line; of a long one, what is there becomes a record.
func (s *source) add(part []byte, write func(record)) {
	for len(s.line)+len(part) > longest {
		room := longest - len(s.line)
		for back := 0; back < utf8.UTFMax-1 && room > 0 && !utf8.RuneStart(part[room]); back++ {
			room-- // not within a character
		}
		s.line = append(s.line, part[:room]...)
		part = part[room:]
		s.broken = true
		s.parser.text(s.line, s.labelled(), s.stream, write)
		s.line = s.line[:0]
	}
	s.line = append(s.line, part...)
}

// complete makes a record of the line.
func (s *source) complete(write func(record)) {
	line := bytes.TrimSuffix(s.line, []byte("\r"))
	if s.broken {
		if len(line) > 0 {
			s.parser.text(line, s.labelled(), s.stream, write)
		}
	} else {
		s.parser.parse(line, s.labelled(), s.stream, write)
	}
	s.line, s.broken = s.line[:0], false
	if cap(s.line) > longest/4 {
		s.line = nil // long lines are rare, and sources many
	}
}

// flush writes what is left at the end.
func (s *source) flush(write func(record)) {
	if len(s.line) > 0 {
		s.complete(write)
	}
	s.parser.flush(write)
}
