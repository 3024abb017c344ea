// Package backup writes all that an instance cannot make again into one archive, and brings it back.
//
// An archive is a zip file, which can be written to a pipe and has its list at the end: one that was
// interrupted cannot be opened. Its last member, SHA256SUMS, is for `sha256sum --check`.
package backup

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Members of an archive; those with the files of volumes are named files/VOLUME.tar.gz.
const (
	dump     = "database.dump"
	roles    = "roles.sql"
	settings = "database.sql"
	manifest = "manifest.json"
	sums     = "SHA256SUMS"
)

// format is the version of what an archive holds.
const format = 1

// Manifest says what an archive is a backup of.
type Manifest struct {
	Format   int    `json:"format"`
	Instance string `json:"instance"`
	// Cluster is the identifier that initdb gives a database cluster: two with one name differ in it.
	Cluster  string    `json:"cluster"`
	Postgres string    `json:"postgres"`
	Made     time.Time `json:"made"`
	// Volumes whose files are in it.
	Volumes []string `json:"volumes"`
}

// Write backs up the database, the roles and the files of these volumes in `Files`. The database is as
// it was when this began; files are read after it, one after the other, while pipelines go on.
// `progress` gets a line now and then.
func Write(ctx context.Context, volumes []string, out, progress io.Writer) error {
	about, err := describe(ctx)
	if err != nil {
		return err
	}
	about.Volumes = volumes
	a := &archive{zip: zip.NewWriter(out), time: about.Made, progress: progress}
	a.member(dump, func(to io.Writer) error {
		return run(ctx, nil, to, "pg_dump", "--format=custom", Database)
	})
	a.member(roles, func(to io.Writer) error {
		return run(ctx, nil, to, "pg_dumpall", "--roles-only", "--no-comments")
	})
	a.member(settings, func(to io.Writer) error { return writeSettings(ctx, to) })
	for _, volume := range volumes {
		a.member("files/"+volume+".tar.gz", func(to io.Writer) error {
			return pack(ctx, filepath.Join(Files(), volume), to)
		})
	}
	a.member(manifest, func(to io.Writer) error { return json.NewEncoder(to).Encode(about) })
	listed := strings.Join(a.sums, "")
	a.member(sums, func(to io.Writer) error {
		_, err := io.WriteString(to, listed)
		return err
	})
	if a.err != nil {
		return a.err
	}
	return a.zip.Close()
}

// Describe returns the manifest that a backup would have now, as JSON.
func Describe(ctx context.Context) (string, error) {
	about, err := describe(ctx)
	if err != nil {
		return "", err
	}
	if about.Volumes, err = Volumes(); err != nil {
		return "", err
	}
	text, err := json.Marshal(about)
	return string(text), err
}

type archive struct {
	zip      *zip.Writer
	time     time.Time
	progress io.Writer
	sums     []string
	err      error // the first; members after it are left out
}

func (a *archive) member(name string, produce func(io.Writer) error) {
	if a.err != nil {
		return
	}
	to, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: a.time})
	if err == nil {
		hash := sha256.New()
		err = produce(io.MultiWriter(to, hash, &counter{name: name, progress: a.progress}))
		a.sums = append(a.sums, fmt.Sprintf("%x  %s\n", hash.Sum(nil), name))
	}
	if err != nil {
		a.err = fmt.Errorf("%s cannot be written: %w", name, err)
	}
}

// counter says how much has been written.
type counter struct {
	name     string
	progress io.Writer
	bytes    int64
}

const mebibyte = 1 << 20

func (c *counter) Write(p []byte) (int, error) {
	before := c.bytes / (16 * mebibyte)
	c.bytes += int64(len(p))
	if c.bytes/(16*mebibyte) > before {
		fmt.Fprintf(c.progress, "%s: %d MiB\n", c.name, c.bytes/mebibyte)
	}
	return len(p), nil
}

// Files is the folder in which the volumes are mounted whose files are backed up.
func Files() string { return valueOr("DAGNIX_FILES_DIR", "/var/lib/dagnix/files") }

// Volumes are the names of the folders in there, in order.
func Volumes() ([]string, error) {
	entries, err := os.ReadDir(Files())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func valueOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
