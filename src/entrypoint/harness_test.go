package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	random "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"

	"dagnix/runtime/internal/database"
)

// The tests of this package run the built program against the Postgres that is installed. They run as
// the user postgres (root becomes it), since Postgres refuses root and knows that user as a peer.

// patience is for machines that are busy with other things.
const patience = 2 * time.Minute

var (
	// scratch is readable by the user postgres.
	scratch string
	// program is the built runtime, with scratch/secrets/ in place of /run/secrets/.
	program string
	// programs is the folder with initdb and postgres.
	programs   string
	credential *syscall.Credential
)

func TestMain(m *testing.M) {
	code, err := prepare(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func prepare(m *testing.M) (int, error) {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(installed) == 0 {
		return 0, errors.New("these tests need a Postgres server: apt-get install -y postgresql")
	}
	slices.Sort(installed)
	programs = filepath.Dir(installed[len(installed)-1])
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return 0, err
	}
	uid, _ := strconv.Atoi(postgres.Uid)
	gid, _ := strconv.Atoi(postgres.Gid)
	switch os.Getuid() {
	case 0:
		credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	case uid:
	default:
		return 0, errors.New("these tests run as root or as the user postgres")
	}
	if scratch, err = os.MkdirTemp("", "dagnix-runtime-"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	if err := errors.Join(os.Chmod(scratch, 0o755), os.Mkdir(secretFile(""), 0o755)); err != nil {
		return 0, err
	}
	program = filepath.Join(scratch, "runtime")
	build := exec.Command("go", "build", "-ldflags", "-X dagnix/runtime/internal/secret.Directory="+secretFile("")+"/", "-o", program, ".")
	if output, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, output)
	}
	return m.Run(), nil
}

func secretFile(name string) string { return filepath.Join(scratch, "secrets", name) }

// writeSecret makes a secret file that everybody may read, as Dagnix does on the host.
func writeSecret(t *testing.T, name, value string) string {
	t.Helper()
	if err := os.WriteFile(secretFile(name), []byte(value+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return secretFile(name)
}

// folder makes a folder that belongs to the user postgres.
func folder(t *testing.T) string {
	t.Helper()
	path, err := os.MkdirTemp(scratch, "")
	if err == nil && credential != nil {
		err = os.Chown(path, int(credential.Uid), int(credential.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is the program, running as the user postgres in a process group of its own.
type process struct {
	*exec.Cmd
	stdout output
	stderr output
	ended  chan struct{}
}

// output can be read while it is written.
type output struct {
	sync.Mutex
	bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.Lock()
	defer o.Unlock()
	return o.Buffer.Write(p)
}

func (o *output) String() string {
	o.Lock()
	defer o.Unlock()
	return o.Buffer.String()
}

func begin(t *testing.T, environment []string, arguments ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(program, arguments...), ended: make(chan struct{})}
	p.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environment...)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	p.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.kill() })
	return p
}

// kill ends the whole group, as the end of a container does.
func (p *process) kill() {
	select {
	case <-p.ended: // and nobody has its output any more; its number may be another one's by now
		return
	default:
	}
	syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// end waits for the process and returns its exit code, -1 after a signal.
func (p *process) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("%v still runs; it said: %s", p.Args, p.stderr.String())
	}
	return p.ProcessState.ExitCode()
}

// finish runs the program to its end and returns its exit code and what it said.
func finish(t *testing.T, environment []string, arguments ...string) (int, string, string) {
	t.Helper()
	p := begin(t, environment, arguments...)
	code := p.end(t)
	return code, p.stdout.String(), p.stderr.String()
}

// server is a Postgres server in a volume of its own.
type server struct {
	volume, settings string
	port             int
	environment      []string
	*process
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{volume: folder(t), port: freePort(t)}
	s.settings = filepath.Join(folder(t), "dagnix.conf")
	s.configure(t, "")
	s.environment = []string{
		"PGDATA=" + s.volume,
		"DAGNIX_PG_SOCKETS=" + folder(t),
		"DAGNIX_PG_CONFIG=" + s.settings,
		"DAGNIX_PG_BINDIR=" + programs,
		"PGPORT=" + strconv.Itoa(s.port),
		"DAGSTER_PG_PASSWORD_FILE=" + writeSecret(t, "dagster-password", "dagster's \\ word"),
		"STORAGE_PG_PASSWORD_FILE=" + writeSecret(t, "storage-password", "storage"),
	}
	return s
}

// configure writes the user's settings; tests listen on the loopback only.
func (s *server) configure(t *testing.T, more string) {
	t.Helper()
	settings := "listen_addresses = '127.0.0.1'\nfsync = off\n" + more
	if err := os.WriteFile(s.settings, []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run starts the server and waits until its health check says that it is well.
func (s *server) run(t *testing.T) {
	t.Helper()
	s.process = begin(t, s.environment, "postgres")
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		code, line, _ := finish(t, s.environment, "health", "postgres")
		if code == 0 && strings.HasPrefix(line, "Postgres answers, version ") {
			return
		}
		select {
		case <-s.ended:
			t.Fatalf("Postgres ended: %s", s.stderr.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s; Postgres said: %s", line, s.stderr.String())
		}
	}
}

// stop ends the server as Compose does with stop_signal SIGINT.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.Process.Signal(syscall.SIGINT)
	if code := s.end(t); code != 0 {
		t.Errorf("Postgres ended with code %d: %s", code, s.stderr.String())
	}
}

// client is the environment of a service that uses the server.
func (s *server) client(prefix, role string) []string {
	return []string{
		prefix + "_HOST=127.0.0.1",
		prefix + "_PORT=" + strconv.Itoa(s.port),
		prefix + "_USER=" + role,
		prefix + "_PASSWORD_FILE=" + secretFile(role+"-password"),
	}
}

// open connects as a role.
func (s *server) open(t *testing.T, role, password string) *sql.DB {
	t.Helper()
	db, err := database.Open(pq.Config{Host: "127.0.0.1", Port: uint16(s.port), User: role, Password: password,
		Database: "dagster", SSLMode: pq.SSLModeDisable, ConnectTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// freePort is one that nobody listens at, below those that the kernel gives itself: one of these could
// be a client's by the time when it is listened at. Others here take those from 15000 on.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + random.IntN(5_000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			listener.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

// expect checks an exit code and that the last line says something.
func expect(t *testing.T, wantCode int, want string, code int, said string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if last := lines[len(lines)-1]; code != wantCode || !strings.Contains(last, want) {
		t.Errorf("exit code %d, want %d with %q; it said: %s", code, wantCode, want, said)
	}
}

// makeCertificate makes a server's certificate, which is its own authority, and its key.
func makeCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	directory := folder(t)
	certificate, key = filepath.Join(directory, "certificate.pem"), filepath.Join(directory, "key.pem")
	for path, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: signed},
		key:         {Type: "PRIVATE KEY", Bytes: secret},
	} {
		err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
		if err == nil && credential != nil {
			err = os.Chown(path, int(credential.Uid), int(credential.Gid))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
