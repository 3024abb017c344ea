package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"dagnix/runtime/internal/secret"
)

// Channel delivers alerts.
type Channel interface {
	// Send delivers one alert. Its errors never have the secret part of an address in them.
	Send(context.Context, Alert) error
}

// Names of the channels: the names of the files that say where they lead to.
const (
	slack    = "slack"
	teams    = "teams"
	webhook  = "webhook"
	mailName = "mail"
	command  = "command"
	pingName = "ping"
)

// Folder of these files, one for each channel.
func Folder() string { return filepath.Join(secret.Directory, "alerts") }

// Channels reads the channels that are named. What is wrong with one is an error for each; the others
// are there nevertheless.
func Channels() (map[string]Channel, []error) {
	found := map[string]Channel{}
	var wrong []error
	for name, make := range map[string]func(string) (Channel, error){
		slack:    form(slackForm),
		teams:    form(teamsForm),
		webhook:  form(plainForm),
		mailName: parseMail,
		command:  parseCommand,
	} {
		text, err := read(name)
		if err == nil && text != "" {
			found[name], err = make(text)
		}
		if err != nil {
			delete(found, name)
			wrong = append(wrong, fmt.Errorf("alerts are not sent to %s: %w", name, err))
		}
	}
	return found, wrong
}

// read returns what the file of a channel says, "" if there is none.
func read(name string) (string, error) {
	path := filepath.Join(Folder(), name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	text, err := secret.Read(path)
	return strings.TrimSpace(text), err
}

// hook is a webhook that takes a form of JSON by POST.
type hook struct {
	address *url.URL
	form    func(Alert) any
}

func form(of func(Alert) any) func(string) (Channel, error) {
	return func(text string) (Channel, error) {
		address, err := parseAddress(text)
		if err != nil {
			return nil, err
		}
		return hook{address, of}, nil
	}
}

// parseAddress reads a web address; an error says nothing of it.
func parseAddress(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil || (address.Scheme != "https" && address.Scheme != "http") || address.Host == "" {
		return nil, errors.New("what is set is no web address: it begins with https://")
	}
	return address, nil
}

func (h hook) Send(ctx context.Context, alert Alert) error {
	body, err := json.Marshal(h.form(alert))
	if err != nil {
		return err
	}
	return post(ctx, h.address, "application/json", body)
}

// client follows no redirects: they would lose the body of a POST.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post sends a body. The error has neither the path nor the query of the address, which are secret.
func post(ctx context.Context, address *url.URL, kind string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used")
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("User-Agent", "dagnix")
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", address.Hostname(), withoutAddress(err))
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("%s answers with HTTP status %s", address.Hostname(), response.Status)
	}
	return nil
}

// withoutAddress returns the cause of an error of net/http, which has the address in it.
func withoutAddress(err error) error {
	if inner := new(url.Error); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// plainForm is the alert itself.
func plainForm(alert Alert) any { return alert }

// slackForm is that of Slack's incoming webhooks, which Mattermost and others take, too.
func slackForm(alert Alert) any {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	icon := ":red_circle:"
	if alert.State == Well {
		icon = ":large_green_circle:"
	}
	return map[string]string{"text": icon + " *" + escape(alert.headline()) + "*\n" + escape(alert.details())}
}

// teamsForm is that of the webhooks of Microsoft Teams' workflows: a message with an Adaptive Card.
func teamsForm(alert Alert) any {
	colour := "Attention"
	if alert.State == Well {
		colour = "Good"
	}
	block := map[string]any{"type": "TextBlock", "text": alert.headline(), "weight": "Bolder", "color": colour, "wrap": true}
	blocks := []any{block}
	for _, line := range strings.Split(alert.details(), "\n") {
		blocks = append(blocks, map[string]any{"type": "TextBlock", "text": line, "wrap": true, "spacing": "Small"})
	}
	return map[string]any{
		"type": "message",
		"attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": map[string]any{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
				"type":    "AdaptiveCard",
				"version": "1.4",
				"body":    blocks,
			},
		}},
	}
}
