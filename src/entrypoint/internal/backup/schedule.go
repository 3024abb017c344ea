package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"archive/zip"
)

const (
	stamp = "20060102T150405Z"
	// look is how often it looks whether a backup is due: by the clock, which may jump.
	look = time.Minute
	// first is how long a new instance may work before its first backup, and again how long what
	// failed waits.
	first, again = time.Hour, 15 * time.Minute
)

// Schedule is when backups are made, and how many are kept.
type Schedule struct {
	folder, instance string
	every            time.Duration // 0: never
	kept             int
	// started is when this process began to follow it, begun when the backup that is being made was
	// begun; zero if none is.
	started, begun atomic.Pointer[time.Time]
}

// ScheduleFromEnvironment reads DAGNIX_BACKUP_HOURS and DAGNIX_BACKUPS_KEPT.
func ScheduleFromEnvironment() (*Schedule, error) {
	hours, err := number("DAGNIX_BACKUP_HOURS", "24", 0)
	if err != nil {
		return nil, err
	}
	kept, err := number("DAGNIX_BACKUPS_KEPT", "7", 1)
	if err != nil {
		return nil, err
	}
	return &Schedule{
		folder:   valueOr("DAGNIX_BACKUPS_DIR", "/var/backups"),
		instance: os.Getenv("COMPOSE_PROJECT_NAME"),
		every:    time.Duration(hours * float64(time.Hour)),
		kept:     int(kept),
	}, nil
}

// Folder is where backups are written to.
func (s *Schedule) Folder() string { return s.folder }

func number(variable, fallback string, least float64) (float64, error) {
	text := valueOr(variable, fallback)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || value < least || value > 1e6 {
		return 0, fmt.Errorf("%s is %q: give a number from %g on, such as %s", variable, text, least, fallback)
	}
	return value, nil
}

// Follow makes backups until the context ends.
func (s *Schedule) Follow(ctx context.Context, log io.Writer) error {
	started, failed := time.Now(), time.Time{}
	s.started.Store(&started)
	for {
		if s.every > 0 && !time.Now().Before(s.due(started)) && time.Since(failed) >= min(again, s.every) {
			begun := time.Now()
			s.begun.Store(&begun)
			name, err := s.make(ctx)
			s.begun.Store(nil)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				failed = time.Now()
				// First: who has read of it in the log asks the health check next.
				s.note(fmt.Sprintf("the backup of %s failed: %v", failed.UTC().Format(time.RFC3339), err))
				fmt.Fprintf(log, "runtime: the backup failed, and is tried again: %v\n", err)
			default:
				os.Remove(s.failure())
				fmt.Fprintf(log, "runtime: backed up to %s\n", name)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(look, max(s.every/4, time.Second))):
		}
	}
}

// Late returns what is wrong with a backup that is not made in time: one that is an hour late, or has
// been in the making for as long as from one to the next. It is "" if all is well.
func (s *Schedule) Late(now time.Time) string {
	started := s.started.Load()
	if s.every == 0 || started == nil {
		return ""
	}
	if begun := s.begun.Load(); begun != nil {
		if now.Sub(*begun) < s.every {
			return ""
		}
		return "the backup that was begun at " + begun.UTC().Format(time.RFC3339) + " is not finished"
	}
	if due := s.due(*started); now.Sub(due) > time.Hour && now.Sub(*started) > 2*look {
		return "the backup that was due at " + due.UTC().Format(time.RFC3339) + " is not made"
	}
	return ""
}

// due is when the next backup is to be made.
func (s *Schedule) due(started time.Time) time.Time {
	if made := s.made(); len(made) > 0 {
		if last, err := s.time(made[len(made)-1]); err == nil {
			return last.Add(s.every)
		}
	}
	return started.Add(min(first, s.every))
}

// make writes a backup, reads it back, and removes those that are too many. An unfinished one has
// another name.
func (s *Schedule) make(ctx context.Context) (string, error) {
	for _, left := range s.named(".zip" + unfinished) {
		os.Remove(filepath.Join(s.folder, left))
	}
	name := s.instance + "-" + time.Now().UTC().Format(stamp) + ".zip"
	path := filepath.Join(s.folder, name)
	partial := path + unfinished
	file, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return "", err
	}
	defer os.Remove(partial)
	volumes, err := Volumes()
	if err == nil {
		err = Write(ctx, volumes, file, io.Discard)
	}
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = readBack(partial)
	}
	if err == nil {
		err = os.Rename(partial, path)
	}
	if err != nil {
		return "", err
	}
	made := s.made()
	for _, old := range made[:max(0, len(made)-s.kept)] {
		err = errors.Join(err, os.Remove(filepath.Join(s.folder, old)))
	}
	return name, errors.Join(err, Forget(ctx))
}

// readBack reads a backup from its first to its last byte; the zip format has a checksum of each member.
func readBack(path string) error {
	opened, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer opened.Close()
	for _, member := range opened.File {
		from, err := member.Open()
		if err == nil {
			_, err = io.Copy(io.Discard, from)
			err = errors.Join(err, from.Close())
		}
		if err != nil {
			return fmt.Errorf("%s cannot be read back: %w", member.Name, err)
		}
	}
	return nil
}

// made are the names of this instance's backups, oldest first.
func (s *Schedule) made() []string { return s.named(".zip") }

// unfinished is at the end of the name of a backup that is being written.
const unfinished = ".partial"

// named are the names of this instance's files with this end. Others may begin in the same way:
// `dagnix` and `dagnix-prod` share a folder.
func (s *Schedule) named(end string) []string {
	entries, _ := os.ReadDir(s.folder)
	var names []string
	for _, entry := range entries {
		stem, found := strings.CutSuffix(entry.Name(), end)
		if _, err := s.time(stem + ".zip"); found && err == nil {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names
}

// time is when a backup of this instance was made, by its name.
func (s *Schedule) time(name string) (time.Time, error) {
	rest, own := strings.CutPrefix(name, s.instance+"-")
	text, whole := strings.CutSuffix(rest, ".zip")
	if !own || !whole {
		return time.Time{}, fmt.Errorf("%s is no backup of %s", name, s.instance)
	}
	return time.Parse(stamp, text)
}

// failure is the file that says why the last backup failed.
func (s *Schedule) failure() string { return filepath.Join(os.TempDir(), "backup-failure") }

func (s *Schedule) note(text string) { os.WriteFile(s.failure(), []byte(text), 0o644) }

// Check returns how the backups are.
func (s *Schedule) Check() (string, error) {
	if s.every == 0 {
		return "no backups are scheduled (DAGNIX_BACKUP_HOURS is 0)", nil
	}
	if failed, err := os.ReadFile(s.failure()); err == nil {
		return "", errors.New(string(failed))
	}
	if err := syscall.Access(s.folder, 2); err != nil {
		return "", fmt.Errorf("backups cannot be written to the folder that is mounted at %s (%w): it must be open to uid %d (chmod 777), and the one above it closed to others", s.folder, err, os.Getuid())
	}
	made := s.made()
	if len(made) == 0 {
		return "no backup is due yet", nil
	}
	return fmt.Sprintf("the newest of %d backups is %s", len(made), made[len(made)-1]), nil
}
