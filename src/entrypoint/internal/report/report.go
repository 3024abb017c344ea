// Package report has a service say how it is to whoever connects to its Unix socket: a line of JSON.
package report

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

const patience = 5 * time.Second

// Listen answers at a path until the context ends, with what say returns then.
func Listen(ctx context.Context, path string, say func(context.Context) any) error {
	beside := fmt.Sprintf("%s.%d", path, os.Getpid())
	_ = os.Remove(beside)
	listener, err := net.Listen("unix", beside)
	if err != nil {
		return err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	// In one step: what was there before may still be connected to.
	if err := os.Rename(beside, path); err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				time.Sleep(time.Second)
				continue
			}
			go answer(ctx, connection, say)
		}
	}()
	return nil
}

func answer(ctx context.Context, connection net.Conn, say func(context.Context) any) {
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience))
	_ = json.NewEncoder(connection).Encode(say(ctx))
}

// Ask reads what a service says at a path.
func Ask(ctx context.Context, path string, into any) error {
	connection, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(patience))
	return json.NewDecoder(connection).Decode(into)
}

// Start identifies the process that listens at a path: it differs from one start to the next. "" if
// there is none.
func Start(path string) string {
	info, err := os.Stat(filepath.Clean(path))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", inode(info), info.ModTime().UnixNano())
}
