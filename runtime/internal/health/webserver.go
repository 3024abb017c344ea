package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"
)

// webserverAddress is where the image's command lets the webserver listen.
const webserverAddress = "127.0.0.1:3000"

func checkWebserver(ctx context.Context) (string, error) {
	return webserver(ctx, webserverAddress+os.Getenv("DAGSTER_WEBSERVER_PATH_PREFIX"))
}

// webserver asks for Dagster's /server_info at an address, of which the prefix of all paths is a part.
// The webserver answers unknown paths with status 200 and its page, so only the content tells.
func webserver(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/server_info", nil)
	if err != nil {
		return "", err
	}
	response, err := new(http.Transport).RoundTrip(request) // no proxy from the environment
	if err != nil {
		return "", noAnswer("webserver", address, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the webserver answers with HTTP status %s", response.Status)
	}
	var info struct {
		Version string `json:"dagster_webserver_version"`
	}
	if err := json.NewDecoder(response.Body).Decode(&info); err != nil || info.Version == "" {
		return "", fmt.Errorf("what answers at %s is not Dagster's webserver", address)
	}
	return "the webserver answers, version " + info.Version, nil
}

// noAnswer explains why a service on this host did not answer.
func noAnswer(service, address string, err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("the %s does not listen at %s: it is still starting, or has ended", service, address)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the %s did not answer within %.0f s", service, Timeout.Seconds())
	}
	return fmt.Errorf("the %s does not answer: %w", service, err)
}
