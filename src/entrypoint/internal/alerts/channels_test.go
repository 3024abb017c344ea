package alerts

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dagnix/runtime/internal/secret"
)

var sample = Alert{
	Instance: "prod", Kind: KindRun, Subject: "daily@pipes", State: Failing, Title: "A run of daily failed",
	Text: "Run 12\nStep load: no <luck> & more", Since: noon, Time: noon, Link: "https://dagster.example.com/runs/12",
}

// name puts a channel's file where the service has it.
func name(t *testing.T, channel, text string) {
	t.Helper()
	folder := Folder()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, channel), []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func secrets(t *testing.T) {
	t.Helper()
	before := secret.Directory
	secret.Directory = t.TempDir() + "/"
	t.Cleanup(func() { secret.Directory = before })
}

// sink is a web server that keeps what it gets.
type sink struct {
	*httptest.Server
	status atomic.Int32
	got    chan string
}

func newSink(t *testing.T) *sink {
	s := &sink{got: make(chan string, 100)}
	s.status.Store(200)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(int(s.status.Load()))
		s.got <- r.Method + " " + r.URL.Path + " " + string(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestWebhooks(t *testing.T) {
	secrets(t)
	s := newSink(t)
	for _, each := range []string{"slack", "teams", "webhook"} {
		name(t, each, s.URL+"/hush/"+each)
	}
	channels, wrong := Channels()
	if len(channels) != 3 || len(wrong) > 0 {
		t.Fatalf("channels %v, %v", channels, wrong)
	}
	sent := func(name string) map[string]any {
		if err := channels[name].Send(t.Context(), sample); err != nil {
			t.Fatal(err)
		}
		got := <-s.got
		body, right := strings.CutPrefix(got, "POST /hush/"+name+" ")
		if !right {
			t.Fatalf("got %s", got)
		}
		var read map[string]any
		if err := json.Unmarshal([]byte(body), &read); err != nil {
			t.Fatal(err)
		}
		return read
	}
	want := ":red_circle: *[prod] A run of daily failed*\nRun 12\nStep load: no &lt;luck&gt; &amp; more\nSince 2026-11-29 12:00:00 UTC\nhttps://dagster.example.com/runs/12"
	if got := sent("slack"); got["text"] != want {
		t.Errorf("Slack got %q", got["text"])
	}
	card := sent("teams")["attachments"].([]any)[0].(map[string]any)
	if card["contentType"] != "application/vnd.microsoft.card.adaptive" {
		t.Errorf("Teams got %v", card)
	}
	blocks := card["content"].(map[string]any)["body"].([]any)
	if first := blocks[0].(map[string]any); len(blocks) != 5 || first["text"] != "[prod] A run of daily failed" || first["color"] != "Attention" {
		t.Errorf("Teams got %v", blocks)
	}
	plain := sent("webhook")
	for key, value := range map[string]any{
		"instance": "prod", "kind": "run", "subject": "daily@pipes", "state": "failing", "title": "A run of daily failed",
		"text": "Run 12\nStep load: no <luck> & more", "since": "2026-11-29T12:00:00Z", "time": "2026-11-29T12:00:00Z", "link": sample.Link,
	} {
		if plain[key] != value {
			t.Errorf("%s is %v, not %v", key, plain[key], value)
		}
	}
}

func TestAnErrorHasNothingOfTheAddressButItsHost(t *testing.T) {
	s := newSink(t)
	s.status.Store(404)
	closed := httptest.NewServer(nil)
	closed.Close()
	redirects := httptest.NewServer(http.RedirectHandler(s.URL+"/hush", http.StatusFound))
	defer redirects.Close()
	for base, want := range map[string]string{
		s.URL:         "127.0.0.1 answers with HTTP status 404 Not Found",
		closed.URL:    "127.0.0.1 does not answer: dial tcp",
		redirects.URL: "127.0.0.1 answers with HTTP status 302 Found",
	} {
		channel, err := form(plainForm)(base + "/hush?token=hush")
		if err != nil {
			t.Fatal(err)
		}
		err = channel.Send(t.Context(), sample)
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v", err)
		}
		if err := sendPing(t.Context(), base+"/hush?token=hush"); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("the ping: got %v", err)
		}
	}
	for channel, text := range map[string]string{
		"slack": "hush", "teams": "ftp://hush/", "webhook": "http://%zzhush", "mail": "smtp://ann:hush@[::1/ops@example.com", "ping": "\x7fhush",
	} {
		secrets(t)
		name(t, channel, text)
		channels, wrong := Channels()
		if channel == "ping" {
			wrong = append(wrong, sendPing(t.Context(), text))
		}
		if len(channels) > 0 || len(wrong) != 1 || strings.Contains(wrong[0].Error(), "hush") {
			t.Errorf("%s: %v, %v", channel, channels, wrong)
		}
	}
}

// smtpSink is a mail server that takes one mail, and asks for a password if it has one.
func smtpSink(t *testing.T, refuse string) (string, chan string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	said := make(chan string, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		reader, log := bufio.NewReader(connection), ""
		answer := func(text string) { io.WriteString(connection, text+"\r\n") }
		answer("220 sink")
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			log += line
			word := strings.ToUpper(strings.Fields(line)[0])
			switch {
			case refuse != "" && word == refuse:
				answer("550 not here")
			case word == "EHLO":
				answer("250-sink\r\n250 AUTH PLAIN")
			case word == "AUTH":
				answer("235 welcome")
			case word == "DATA":
				answer("354 go on")
				for {
					line, err := reader.ReadString('\n')
					if err != nil || line == ".\r\n" {
						break
					}
					log += line
				}
				answer("250 taken")
			case word == "QUIT":
				answer("221 bye")
				said <- log
				return
			default:
				answer("250 fine")
			}
		}
	}()
	return listener.Addr().String(), said
}

func TestMail(t *testing.T) {
	address, said := smtpSink(t, "")
	channel, err := parseMail("smtp://ann%40example.com:p%3Ass@" + address + "/ops@example.com,on-call@example.com")
	if err != nil {
		t.Fatal(err)
	}
	umlaut := sample
	umlaut.Title = "A run of täglich failed"
	if err := channel.Send(t.Context(), umlaut); err != nil {
		t.Fatal(err)
	}
	log := <-said
	for _, want := range []string{
		"AUTH PLAIN AGFubkBleGFtcGxlLmNvbQBwOnNz", "MAIL FROM:<ann@example.com>", "RCPT TO:<ops@example.com>", "RCPT TO:<on-call@example.com>",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in %s", want, log)
		}
	}
	_, data, _ := strings.Cut(log, "DATA\r\n")
	message, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	if err != nil || !strings.Contains(string(body), "Step load: no <luck> & more") {
		t.Errorf("got %q, %v", body, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil || subject != "[prod] A run of täglich failed" {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	if _, err := message.Header.Date(); err != nil {
		t.Error(err)
	}
}

func TestMailThatIsRefused(t *testing.T) {
	address, _ := smtpSink(t, "RCPT")
	channel, err := parseMail("smtp://" + address + "/ops@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.Send(t.Context(), sample); err == nil || !strings.HasPrefix(err.Error(), "the mail server 127.0.0.1: 550 ") {
		t.Errorf("got %v", err)
	}
}

func TestMailAddresses(t *testing.T) {
	for text, want := range map[string]mailbox{
		"smtp://relay/ops@example.com":                                {host: "relay", port: "25", from: "ops@example.com"},
		"smtp://ann@example.com:x@relay/ops@example.com":              {host: "relay", port: "587", user: "ann@example.com", password: "x", from: "ann@example.com"},
		"smtps://ann:x@relay/ops@example.com?from=dagnix@example.com": {host: "relay", port: "465", implicit: true, user: "ann", password: "x", from: "dagnix@example.com"},
	} {
		got, err := parseMail(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		box := got.(mailbox)
		if len(box.to) != 1 || box.to[0] != "ops@example.com" {
			t.Errorf("%s: to %v", text, box.to)
		}
		box.to = nil
		if box.host != want.host || box.port != want.port || box.implicit != want.implicit || box.user != want.user || box.password != want.password || box.from != want.from {
			t.Errorf("%s: %+v", text, box)
		}
	}
	for _, text := range []string{"ops@example.com", "smtp:///ops@example.com", "smtp://relay/", "smtp://relay/ops", "http://relay/ops@example.com"} {
		if _, err := parseMail(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestCommand(t *testing.T) {
	Programs = t.TempDir()
	t.Setenv("DAGSTER_PG_PASSWORD", "hush")
	got := filepath.Join(Programs, "got")
	script := "cat > got\nenv >> got\nexit $1\n"
	if err := os.WriteFile(filepath.Join(Programs, "tell"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	channel, err := parseCommand("sh ./tell 0")
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.Send(t.Context(), sample); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(got)
	if err != nil || !strings.HasPrefix(string(text), `{"instance":"prod","kind":"run"`) || strings.Contains(string(text), "hush") {
		t.Errorf("got %s, %v", text, err)
	}
	channel, _ = parseCommand("sh ./tell 3")
	if err := channel.Send(t.Context(), sample); err == nil || err.Error() != "sh: exit status 3" {
		t.Errorf("got %v", err)
	}
	channel, _ = parseCommand("sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := channel.Send(ctx, sample); err == nil || !strings.HasPrefix(err.Error(), "sleep did not end") {
		t.Errorf("got %v", err)
	}
}

func TestTheTestTellsOfEachChannel(t *testing.T) {
	secrets(t)
	if _, err := Test(t.Context(), "prod"); err == nil || !strings.HasPrefix(err.Error(), "no channel is named") {
		t.Errorf("got %v", err)
	}
	s := newSink(t)
	name(t, "webhook", s.URL)
	name(t, "ping", s.URL+"/ping")
	if said, err := Test(t.Context(), "prod"); err != nil || said != "webhook: sent\nping: sent" {
		t.Errorf("got %q, %v", said, err)
	}
	s.status.Store(500)
	said, err := Test(t.Context(), "prod")
	if err == nil || said != "webhook: 127.0.0.1 answers with HTTP status 500 Internal Server Error\nping: 127.0.0.1 answers with HTTP status 500 Internal Server Error" {
		t.Errorf("got %q, %v", said, err)
	}
}

var errAway = errors.New("away")

type recorder struct {
	fails bool
	got   []string
}

func (r *recorder) Send(_ context.Context, alert Alert) error {
	if r.fails {
		return errAway
	}
	r.got = append(r.got, alert.Title)
	return nil
}

func TestTheOutboxTriesAgainWithGrowingPauses(t *testing.T) {
	log := new(strings.Builder)
	outbox := NewOutbox(nil, log)
	now := noon
	outbox.now = func() time.Time { return now }
	good, bad := &recorder{}, &recorder{fails: true}
	channels := map[string]Channel{"good": good, "bad": bad}
	for _, title := range []string{"one", "two"} {
		outbox.Add(Alert{Title: title, Time: now}, []string{"good", "bad"})
	}
	var tries []time.Duration
	for ; now.Sub(noon) < time.Hour; now = now.Add(time.Second) {
		before := log.Len()
		outbox.Deliver(t.Context(), channels)
		if log.Len() > before {
			tries = append(tries, now.Sub(noon))
		}
	}
	if strings.Join(good.got, " ") != "one two" {
		t.Errorf("the other channel got %q", good.got)
	}
	if tries[1] != 10*time.Second || tries[2] != 30*time.Second || tries[3] != 70*time.Second || len(tries) > 12 {
		t.Errorf("tried at %v", tries)
	}
	if since, why := outbox.Owed(); !since.Equal(noon) || why != "bad: away" {
		t.Errorf("owed since %v: %s", since, why)
	}
	again := NewOutbox(outbox.Letters(), log) // after a restart
	bad.fails = false
	again.Deliver(t.Context(), channels)
	if strings.Join(bad.got, " ") != "one two" || len(again.Letters()) > 0 {
		t.Errorf("got %q, left %v", bad.got, again.Letters())
	}
	if since, _ := again.Owed(); !since.IsZero() {
		t.Errorf("owed since %v", since)
	}
}

func TestTheOutboxGivesUp(t *testing.T) {
	log := new(strings.Builder)
	outbox := NewOutbox(nil, log)
	outbox.now = func() time.Time { return noon.Add(keep) }
	outbox.Add(Alert{Title: "old", Time: noon}, []string{"bad", "gone"})
	outbox.Add(Alert{Title: "new", Time: noon.Add(keep)}, []string{"bad"})
	outbox.Deliver(t.Context(), map[string]Channel{"bad": &recorder{fails: true}})
	letters := outbox.Letters()
	if len(letters) != 1 || letters[0].Alert.Title != "new" || !strings.Contains(log.String(), "is given up: old") {
		t.Errorf("left %v, said %s", letters, log)
	}
	for range most + 1 {
		outbox.Add(Alert{Title: "flood"}, []string{"bad"})
	}
	if got := outbox.Letters(); len(got) != most || got[0].Alert.Title != "flood" {
		t.Errorf("%d letters, the first is %s", len(got), got[0].Alert.Title)
	}
}
