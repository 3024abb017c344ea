// Package dagster knows as much of Dagster 1.13 as the images' other programs need.
package dagster

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
)

// maxReply is above what Dagster itself accepts (max_rx_bytes in dagster/_grpc/utils.py: 100 MB).
const maxReply = 128 << 20

// StatusError is a call that the gRPC server answered with an error.
type StatusError struct {
	// Code is one of gRPC's status codes, such as 2 for UNKNOWN.
	Code    int
	Message string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("gRPC status %d: %s", e.Code, e.Message)
}

// ListRepositories asks the code server at an address, host:port or the path of a Unix socket, what it
// serves. It answers with the error if the code does not load. The reply is Dagster's JSON; see
// dagster/_grpc/server.py.
//
// The call is one HTTP/2 request of the standard library. Of grpc-go only versions without security
// support build with Debian's Go 1.24.
func ListRepositories(ctx context.Context, address string) ([]byte, error) {
	message, err := call(ctx, address, "/api.DagsterApi/ListRepositories", nil)
	if err != nil {
		return nil, err
	}
	return firstString(message)
}

// Repository asks the code server at an address for the definitions of one of its repositories:
// Dagster's RepositorySnap as JSON, with references to jobs in place of these.
func Repository(ctx context.Context, address, location, name string) ([]byte, error) {
	origin, err := json.Marshal(map[string]any{
		"__class__": "ExternalRepositoryOrigin",
		"repository_location_origin": map[string]any{
			"__class__": "GrpcServerRepositoryLocationOrigin",
			"host":      "localhost", "port": nil, "socket": address, "location_name": location,
		},
		"repository_name": name,
	})
	if err != nil {
		return nil, err
	}
	const stringNumber1, boolNumber2 = 1<<3 | 2, 2 << 3
	request := binary.AppendUvarint([]byte{stringNumber1}, uint64(len(origin)))
	request = append(append(request, origin...), boolNumber2, 1) // defer_snapshots
	message, err := call(ctx, address, "/api.DagsterApi/ExternalRepository", request)
	if err != nil {
		return nil, err
	}
	return firstString(message)
}

// call makes a gRPC call and returns the reply's message; see "gRPC over HTTP2" in gRPC's
// documentation.
func call(ctx context.Context, address, method string, message []byte) ([]byte, error) {
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))) // not compressed
	frame = append(frame, message...)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+method, bytes.NewReader(frame))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	// Dagster's servers compress in any case.
	request.Header.Set("Grpc-Accept-Encoding", "gzip")
	network := "tcp"
	if filepath.IsAbs(address) {
		network = "unix"
	}
	transport := &http.Transport{
		Protocols:          new(http.Protocols),
		DisableCompression: true, // of HTTP itself
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReply))
	if err != nil {
		return nil, err
	}
	status := response.Trailer
	if status.Get("Grpc-Status") == "" { // an answer without a body has it among the headers
		status = response.Header
	}
	code, err := strconv.Atoi(status.Get("Grpc-Status"))
	if err != nil {
		return nil, fmt.Errorf("not a gRPC server: HTTP status %s", response.Status)
	}
	if code != 0 {
		text := status.Get("Grpc-Message")
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
		return nil, &StatusError{Code: code, Message: text}
	}
	return unframe(body)
}

// unframe takes the one message out of a reply: a byte that says whether it is compressed, four with
// its length, and the message.
func unframe(body []byte) ([]byte, error) {
	const head = 5
	if len(body) < head || uint64(binary.BigEndian.Uint32(body[1:head])) != uint64(len(body)-head) {
		return nil, errors.New("the gRPC reply is not one whole message")
	}
	message := body[head:]
	if body[0] == 0 {
		return message, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(message))
	if err != nil {
		return nil, fmt.Errorf("the gRPC reply is not compressed with gzip: %w", err)
	}
	return io.ReadAll(io.LimitReader(reader, maxReply))
}

// firstString reads a Protocol Buffers message whose only field is the string number 1, as all
// replies of Dagster's API are that matter here.
func firstString(message []byte) ([]byte, error) {
	const stringNumber1 = 1<<3 | 2
	if len(message) == 0 {
		return nil, nil
	}
	size, width := binary.Uvarint(message[1:])
	if message[0] != stringNumber1 || width <= 0 || uint64(len(message)-1-width) != size {
		return nil, errors.New("the gRPC reply is not of Dagster's API")
	}
	return message[1+width:], nil
}
