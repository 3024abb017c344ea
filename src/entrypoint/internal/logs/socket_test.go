package logs

import (
	"bytes"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A process says whose output a pipe has, and which step's from then on; it cannot say which service's.
func TestAPipeIsLabelled(t *testing.T) {
	reading, writing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l, name := newLog(writing, writing), "@dagnix-log-test-"+t.Name()
	if err := l.listen(name, Labels{Service: "test", Location: "here"}); err != nil {
		t.Fatal(err)
	}
	connection, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: name, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	theirs, own, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	say := func(words string, rights []byte) {
		answer := make([]byte, 10)
		if _, _, err := connection.WriteMsgUnix([]byte(words), rights, nil); err != nil {
			t.Fatal(err)
		}
		if n, err := connection.Read(answer); err != nil || string(answer[:n]) != "{}" {
			t.Fatal(string(answer[:n]), err)
		}
	}
	say(`{"stream": "stderr", "run_id": "r", "job_name": "j", "service": "evil"}`, syscall.UnixRights(int(theirs.Fd())))
	theirs.Close()
	own.WriteString("before\n")
	first := make([]byte, 1<<10)
	n, err := reading.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	say(`{"stream": "stderr", "steps": ["s"]}`, nil)
	own.WriteString("after\nwithout an end")
	own.Close()
	connection.Close()
	l.readers.Wait()
	writing.Close()
	all := bytes.NewBuffer(first[:n])
	if _, err := all.ReadFrom(reading); err != nil {
		t.Fatal(err)
	}
	got := parsed(t, all.Bytes())
	if messages(got) != "before|after|without an end" {
		t.Fatal(messages(got))
	}
	for i, step := range []any{nil, "s", "s"} {
		if got[i]["run_id"] != "r" || got[i]["job_name"] != "j" || got[i]["step_key"] != step || got[i]["stream"] != "stderr" {
			t.Error(got[i])
		}
	}
}

func TestRubbishAtTheSocketIsRefused(t *testing.T) {
	l, name := newLog(os.Stdout, os.Stderr), "@dagnix-log-test-"+t.Name()
	if err := l.listen(name, Labels{}); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"x", "{}", `{"stream": "stdout"}`, `{"stream": "stdin"}`, strings.Repeat("x", packet)} {
		connection, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: name, Net: "unixpacket"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := connection.Write([]byte(words)); err != nil {
			t.Fatal(err)
		}
		if n, err := connection.Read(make([]byte, 10)); n > 0 {
			t.Errorf("%.20s was answered: %v", words, err)
		}
		connection.Close()
	}
}
