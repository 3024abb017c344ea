package logs

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"slices"
	"syscall"
)

// packet is how much a process may say at once; more steps are not named.
const packet = 64 << 10

// words is what a process says of a pipe: whose output it has, and which stream of it, in the first packet,
// which brings the pipe; later ones change the steps. Each is answered by an empty object, upon which
// whatever is written is labelled so.
type words struct {
	Labels
	Stream string `json:"stream"`
}

// listen takes pipes at an abstract Unix socket, which is this container's alone, needs no folder and
// goes with this process.
func (l *log) listen(name string, own Labels) error {
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: name, Net: "unixpacket"})
	if err != nil {
		return err
	}
	go func() {
		for {
			connection, err := listener.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				go l.serve(connection, own)
			}
		}
	}()
	return nil
}

func (l *log) serve(connection *net.UnixConn, own Labels) {
	defer connection.Close()
	text, rights := make([]byte, packet), make([]byte, syscall.CmsgSpace(4))
	var s *source
	for {
		n, m, _, _, err := connection.ReadMsgUnix(text, rights)
		if err != nil || n == 0 {
			return
		}
		var now words
		if err := json.Unmarshal(text[:n], &now); err != nil || !slices.Contains(streams, now.Stream) {
			return
		}
		if s == nil {
			file := received(rights[:m])
			if file == nil {
				return
			}
			now.Service, now.Location = own.Service, own.Location
			s = newSource(file, now.Stream, now.Labels)
			l.read(s)
		} else {
			s.label(func(labels *Labels) { labels.Steps = now.Steps })
		}
		if _, err := connection.Write([]byte("{}")); err != nil {
			return
		}
	}
}

// received returns the pipe that came with a packet, or nil.
func received(rights []byte) *os.File {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return nil
	}
	files, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(files) != 1 {
		return nil
	}
	if err := syscall.SetNonblock(files[0], true); err != nil {
		syscall.Close(files[0])
		return nil
	}
	return os.NewFile(uintptr(files[0]), "pipe")
}
