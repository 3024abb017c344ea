// Gate is the only thing of the stack that is published: it lets those in who may, and nothing through
// that a page of another site sends.
//
//	gate serve              serve what the environment says (internal/settings)
//	gate health [SECONDS]   tell whether it serves; with SECONDS wait until it does
//	gate authority          print the certificate of the authority that it made for TLS
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/audit"
	"dagnix/gate/internal/certificate"
	"dagnix/gate/internal/logs"
	"dagnix/gate/internal/proxy"
	"dagnix/gate/internal/settings"
)

const (
	grace   = 10 * time.Second // for requests in flight, when it is to end
	pause   = 200 * time.Millisecond
	timeout = 4 * time.Second // of one question, below the health check's in compose.yaml
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gate: ")
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		logAsWanted()
	}
	read, err := settings.Read()
	if err != nil {
		log.Fatal(err)
	}
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		err = serve(read)
	case len(os.Args) >= 2 && os.Args[1] == "health":
		log.SetPrefix("") // what it says is shown beside the service's name
		err = waitForHealth(read, os.Args[2:])
	case len(os.Args) == 2 && os.Args[1] == "authority":
		var text []byte
		if text, err = certificate.Authority(read); err == nil {
			_, err = os.Stdout.Write(text)
		}
	default:
		err = errors.New("usage: gate serve | gate health [SECONDS] | gate authority")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// logAsWanted has this program serve as a child whose log becomes JSON, if DAGNIX_LOG_FORMAT says so.
func logAsWanted() {
	inJSON, err := logs.Wanted()
	if err != nil {
		log.Fatal(err)
	}
	if inJSON {
		os.Exit(logs.Run(logs.Labels{Service: "gate"}))
	}
}

func serve(s settings.Settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           proxy.New(s, account.Open(s.Secrets), audit.New(os.Stdout)),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // what scanners send
	}
	if s.Secure() {
		if server.TLSConfig, err = certificate.Config(s); err != nil {
			return err
		}
	}
	log.Printf("serves at %s, %s", s.Listen, s.Upstream)
	go func() {
		<-ctx.Done()
		finish, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		_ = server.Shutdown(finish)
	}()
	if err := tellHealth(ctx, s); err != nil {
		log.Printf("nobody is told how it is: %v", err)
	}
	debug.FreeOSMemory() // what starting took
	if s.Secure() {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// tellHealth says to whoever connects to a Unix socket what is wrong with this gate, as a line of JSON
// (src/entrypoint/internal/report).
func tellHealth(ctx context.Context, s settings.Settings) error {
	if _, err := os.Stat(filepath.Dir(s.Report)); s.Report == "" || err != nil { // as on Kubernetes
		return nil
	}
	_ = os.Remove(s.Report)
	listener, err := net.Listen("unix", s.Report)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		for ctx.Err() == nil {
			connection, err := listener.Accept()
			if err != nil {
				time.Sleep(pause)
				continue
			}
			said := map[string]string{"problem": ""}
			if _, err := ask(s); err != nil {
				said["problem"] = err.Error()
			}
			_ = connection.SetDeadline(time.Now().Add(timeout))
			_ = json.NewEncoder(connection).Encode(said)
			connection.Close()
		}
	}()
	return nil
}

func waitForHealth(s settings.Settings, words []string) error {
	seconds := 0.0
	if len(words) > 0 {
		var err error
		if seconds, err = strconv.ParseFloat(words[0], 64); err != nil {
			return fmt.Errorf("%q is no number of seconds", words[0])
		}
	}
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	for {
		says, err := ask(s)
		if err == nil {
			fmt.Println(says)
			return nil
		}
		if time.Now().After(end) {
			return err
		}
		time.Sleep(pause)
	}
}

// ask asks the gate in this container.
func ask(s settings.Settings) (string, error) {
	_, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return "", err
	}
	scheme := "http"
	if s.Secure() {
		scheme = "https"
	}
	client := http.Client{Timeout: timeout, Transport: &http.Transport{
		// Whose certificate it is does not matter: it is this container's own.
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec
		DisableKeepAlives: true,
	}}
	response, err := client.Get(scheme + "://127.0.0.1:" + port + proxy.HealthPath)
	if err != nil {
		return "", fmt.Errorf("the gate does not answer: %w", err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	says := strings.TrimSpace(string(text))
	if response.StatusCode != http.StatusOK {
		return "", errors.New(says)
	}
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		says += certificate.Says(response.TLS.PeerCertificates[0].NotAfter, time.Now())
	}
	return says, nil
}
