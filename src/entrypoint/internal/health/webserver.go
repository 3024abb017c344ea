package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"dagnix/runtime/internal/runserver"
)

// WebserverSocket is where the image's command lets the webserver listen.
func WebserverSocket() string { return filepath.Join(runserver.Folder(), "webserver", "http.sock") }

func checkWebserver(ctx context.Context) (string, error) {
	return webserver(ctx, WebserverSocket(), os.Getenv("DAGSTER_WEBSERVER_PATH_PREFIX"))
}

// webserver asks for Dagster's /server_info on a Unix socket; prefix is before all of its paths. The webserver
// answers unknown paths with status 200 and its page, so only the content tells.
func webserver(ctx context.Context, socket, prefix string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+prefix+"/server_info", nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", noAnswer("webserver", socket, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the webserver answers with HTTP status %s", response.Status)
	}
	var info struct {
		Version string `json:"dagster_webserver_version"`
	}
	if err := json.NewDecoder(response.Body).Decode(&info); err != nil || info.Version == "" {
		return "", fmt.Errorf("what answers at %s is not Dagster's webserver", socket)
	}
	return "the webserver answers, version " + info.Version, nil
}

// noAnswer explains why a service on this host did not answer.
func noAnswer(service, address string, err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the %s does not listen at %s: it is still starting, or has ended", service, address)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the %s did not answer within %.0f s", service, Timeout.Seconds())
	}
	return fmt.Errorf("the %s does not answer: %w", service, err)
}
