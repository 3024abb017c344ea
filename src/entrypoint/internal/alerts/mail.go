package alerts

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/url"
	"os"
	"strings"
)

// mailbox is an SMTP server that takes alerts for some people.
type mailbox struct {
	host, port     string
	implicit       bool // TLS from the beginning, not STARTTLS
	user, password string
	from           string
	to             []string
}

// parseMail reads smtp://USER:PASSWORD@HOST:PORT/TO,TO?from=FROM, or smtps:// for TLS from the beginning.
// An error says nothing of the password.
func parseMail(text string) (Channel, error) {
	wrong := errors.New("what is set is not like smtp://USER:PASSWORD@HOST:PORT/TO?from=FROM, in which special characters of the password are percent-encoded")
	address, err := url.Parse(text)
	if err != nil || address.Hostname() == "" {
		return nil, wrong
	}
	box := mailbox{host: address.Hostname(), port: address.Port(), user: address.User.Username()}
	box.password, _ = address.User.Password()
	switch {
	case address.Scheme == "smtps":
		box.implicit = true
		box.port = or(box.port, "465")
	case address.Scheme == "smtp" && box.password != "":
		box.port = or(box.port, "587")
	case address.Scheme == "smtp":
		box.port = or(box.port, "25")
	default:
		return nil, wrong
	}
	for _, each := range strings.Split(strings.Trim(address.Path, "/"), ",") {
		to, err := mail.ParseAddress(each)
		if err != nil {
			return nil, wrong
		}
		box.to = append(box.to, to.Address)
	}
	box.from = address.Query().Get("from")
	if box.from == "" && strings.Contains(box.user, "@") {
		box.from = box.user
	}
	if box.from == "" {
		box.from = box.to[0]
	}
	from, err := mail.ParseAddress(box.from)
	if err != nil {
		return nil, wrong
	}
	box.from = from.Address
	return box, nil
}

func (m mailbox) Send(ctx context.Context, alert Alert) error {
	if err := m.send(ctx, alert); err != nil {
		return fmt.Errorf("the mail server %s: %w", m.host, err)
	}
	return nil
}

func (m mailbox) send(ctx context.Context, alert Alert) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(m.host, m.port))
	if err != nil {
		return err
	}
	defer connection.Close()
	if deadline, limited := ctx.Deadline(); limited {
		_ = connection.SetDeadline(deadline)
	}
	settings := &tls.Config{ServerName: m.host}
	if m.implicit {
		connection = tls.Client(connection, settings)
	}
	server, err := smtp.NewClient(connection, m.host)
	if err != nil {
		return err
	}
	defer server.Close()
	if name, err := os.Hostname(); err == nil {
		if err := server.Hello(name); err != nil {
			return err
		}
	}
	if offered, _ := server.Extension("STARTTLS"); offered && !m.implicit {
		if err := server.StartTLS(settings); err != nil {
			return err
		}
	}
	if m.password != "" {
		// Go's own refuses to send a password without TLS, but to this host.
		if err := server.Auth(smtp.PlainAuth("", m.user, m.password, m.host)); err != nil {
			return err
		}
	}
	if err := server.Mail(m.from); err != nil {
		return err
	}
	for _, to := range m.to {
		if err := server.Rcpt(to); err != nil {
			return err
		}
	}
	body, err := server.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(m.message(alert)); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	return server.Quit()
}

// message is the mail as RFC 5322 has it.
func (m mailbox) message(alert Alert) []byte {
	_, domain, _ := strings.Cut(m.from, "@")
	text := new(bytes.Buffer)
	for _, line := range [][2]string{
		{"From", m.from},
		{"To", strings.Join(m.to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", oneLine(alert.headline(), 200))},
		{"Date", alert.Time.Format("Mon, 02 Jan 2006 15:04:05 -0700")},
		{"Message-ID", "<" + rand.Text() + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(text, "%s: %s\r\n", line[0], line[1])
	}
	text.WriteString("\r\n")
	body := quotedprintable.NewWriter(text)
	_, _ = body.Write([]byte(strings.ReplaceAll(alert.Title+"\n\n"+alert.details()+"\n", "\n", "\r\n")))
	_ = body.Close()
	return text.Bytes()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
