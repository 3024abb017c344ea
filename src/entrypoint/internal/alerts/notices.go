package alerts

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"dagnix/runtime/internal/runserver"
)

// Notices is the folder in which `./dagnix` on the host says what only it knows to be wrong: a file for
// each, for as long as it is (src/dagnix/alerts/notices.py).
func Notices() string { return filepath.Join(runserver.Folder(), "notices") }

// readNotices returns what the files say.
func readNotices() ([]Finding, error) {
	entries, err := os.ReadDir(Notices())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(Notices(), entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var notice struct{ Kind, Subject, Title, Well, Text string }
		if err == nil {
			err = json.Unmarshal(text, &notice)
		}
		if err != nil {
			return nil, err
		}
		found = append(found, Finding{notice.Kind, notice.Subject, notice.Title, notice.Well, notice.Text})
	}
	return found, nil
}
