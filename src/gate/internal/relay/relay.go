// Package relay passes a WebSocket on to the webserver, and reads what the browser sends.
//
// Only subscriptions get through. Dagster executes nothing else that comes here (1.13), but it says so
// only after it has read the operation as a subscription, and no page needs more.
package relay

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"dagnix/gate/internal/operation"
)

// Subprotocol is the one that Dagster speaks: subscriptions-transport-ws.
const Subprotocol = "graphql-ws"

const maxMessage = 1 << 20 // bytes of a message of the browser's

// Check tells, every so often, whether a WebSocket may stay.
type Check struct {
	Every time.Duration
	Still func() error
}

// Relay passes a WebSocket on to `target` (ws://…), to which `client` connects, until one of the two
// sides closes it or the check fails. Who may come is decided before.
func Relay(w http.ResponseWriter, r *http.Request, client *http.Client, target string, check Check) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	options := &websocket.DialOptions{
		HTTPClient:   client,
		Subprotocols: []string{Subprotocol},
		Host:         r.Host,
	}
	server, _, err := websocket.Dial(ctx, target, options)
	if err != nil {
		http.Error(w, "the webserver does not answer", http.StatusBadGateway)
		return
	}
	defer server.CloseNow()
	// The origin is compared with the host already, by rules that know of proxies and ports.
	browser, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}, InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer browser.CloseNow()
	browser.SetReadLimit(maxMessage)
	server.SetReadLimit(-1)
	go func() {
		defer cancel()
		for wait(ctx, check.Every) {
			if err := check.Still(); err != nil {
				_ = browser.Close(websocket.StatusPolicyViolation, err.Error())
				return
			}
		}
	}()
	go func() {
		defer cancel()
		closeWith(browser, pass(ctx, server, browser, func(message []byte) ([]byte, error) { return message, nil }))
	}()
	err = pass(ctx, browser, server, subscription)
	var refused *refusedError
	if errors.As(err, &refused) {
		_ = browser.Close(websocket.StatusPolicyViolation, refused.Error())
	}
	closeWith(server, err)
}

func wait(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

func pass(ctx context.Context, from, to *websocket.Conn, read func([]byte) ([]byte, error)) error {
	for {
		kind, message, err := from.Read(ctx)
		if err != nil {
			return err
		}
		if kind != websocket.MessageText {
			return &refusedError{"only text is spoken here"}
		}
		if message, err = read(message); err != nil {
			return err
		}
		if err := to.Write(ctx, kind, message); err != nil {
			return err
		}
	}
}

// closeWith closes one side as the other one has closed.
func closeWith(side *websocket.Conn, err error) {
	var closed websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.StatusNoStatusRcvd && closed.Code != websocket.StatusAbnormalClosure {
		_ = side.Close(closed.Code, closed.Reason)
		return
	}
	_ = side.CloseNow()
}

// subscription returns a message of the browser's, written anew; an error refuses it.
func subscription(message []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(message, &fields); err != nil {
		return nil, &refusedError{"this is no message of " + Subprotocol}
	}
	var kind string
	_ = json.Unmarshal(fields["type"], &kind)
	written := make(map[string]json.RawMessage)
	for _, name := range []string{"id", "type"} {
		if value, given := fields[name]; given {
			written[name] = value
		}
	}
	switch kind {
	case "connection_init", "connection_terminate", "stop":
	case "start":
		request, err := operation.Read(fields["payload"])
		if err != nil {
			return nil, &refusedError{"the operation cannot be read"}
		}
		if request.Only != ast.Subscription {
			return nil, &refusedError{"only subscriptions come by WebSocket"}
		}
		written["payload"] = request.JSON()
	default:
		return nil, &refusedError{"there is no such message in " + Subprotocol}
	}
	return json.Marshal(written)
}
