package dagster

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// serve answers every call as a gRPC server does, and returns its socket.
func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	return serveAt(t, "unix", filepath.Join(t.TempDir(), "code.sock"), answer)
}

// serveAt answers at an address, and returns that.
func serveAt(t *testing.T, network, address string, answer http.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(answer)
	server.Listener.Close()
	server.Listener = listener
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// frameOf builds a gRPC frame around the protobuf string field number 1.
func frameOf(text string, compressed bool) []byte {
	message := append(binary.AppendUvarint([]byte{0x0a}, uint64(len(text))), text...)
	flag := byte(0)
	if compressed {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		writer.Write(message)
		writer.Close()
		flag, message = 1, packed.Bytes()
	}
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message))), message...)
}

func TestListRepositoriesReadsTheReply(t *testing.T) {
	long := strings.Repeat("long ", 1000)
	for network, compressed := range map[string]bool{"unix": false, "tcp": true} {
		at := map[string]string{"unix": filepath.Join(t.TempDir(), "code.sock"), "tcp": "127.0.0.1:0"}[network]
		address := serveAt(t, network, at, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api.DagsterApi/ListRepositories" || r.Header.Get("Content-Type") != "application/grpc" {
				t.Errorf("called %s with %v", r.URL, r.Header)
			}
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Trailer", "Grpc-Status")
			w.Write(frameOf(long, compressed))
			w.Header().Set("Grpc-Status", "0")
		})
		if reply, err := ListRepositories(t.Context(), address); err != nil || string(reply) != long {
			t.Errorf("compressed %v: got %d bytes, %v", compressed, len(reply), err)
		}
	}
}

func TestListRepositoriesReportsTheStatus(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Grpc-Status", "2")
		w.Header().Set("Grpc-Message", "Exception%20calling application%3A no")
	})
	_, err := ListRepositories(t.Context(), address)
	if status := new(StatusError); !errors.As(err, &status) || status.Code != 2 || status.Message != "Exception calling application: no" {
		t.Errorf("got %v", err)
	}
}

func TestListRepositoriesRefusesOtherServers(t *testing.T) {
	for body, want := range map[string]string{
		"<html>":                                "not a gRPC server: HTTP status 200 OK",
		"grpc:\x00\x00\x00\x00\x09\x0a":         "the gRPC reply is not one whole message",
		"grpc:\x01\x00\x00\x00\x03abc":          "the gRPC reply is not compressed with gzip: unexpected EOF",
		"grpc:\x00\x00\x00\x00\x03\x12\x01a":    "the gRPC reply is not of Dagster's API",
		"grpc:\x00\x00\x00\x00\x03\x0a\xff\xff": "the gRPC reply is not of Dagster's API",
	} {
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			text, grpc := strings.CutPrefix(body, "grpc:")
			if grpc {
				w.Header().Set("Grpc-Status", "0")
			}
			w.Write([]byte(text))
		})
		if _, err := ListRepositories(t.Context(), address); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", body, err, want)
		}
	}
}
