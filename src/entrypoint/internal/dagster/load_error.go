package dagster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Location is what a code server that loaded its code says about it.
type Location struct {
	// Modules are the names of the Python modules with the definitions, or of the files.
	Modules []string
	// Version is that of Dagster in the code server.
	Version string
}

// ErrorInfo is Dagster's SerializableErrorInfo (dagster_shared/error.py), an exception as data.
type ErrorInfo struct {
	Message   string     `json:"message"`
	Stack     []string   `json:"stack"`
	ClassName string     `json:"cls_name"`
	Cause     *ErrorInfo `json:"cause"`
}

// LoadError tells why the user's code does not load.
type LoadError struct {
	// Sentence has the exception and its place.
	Sentence string
}

func (e *LoadError) Error() string {
	return "the code does not load: " + e.Sentence
}

// ParseLocation reads a reply to ListRepositories. If the code did not load, the error is a
// [*LoadError] with the exception and the place in the files under folder where it came from.
func ParseLocation(reply []byte, folder string) (*Location, error) {
	var content struct {
		Class    string            `json:"__class__"`
		Versions map[string]string `json:"dagster_library_versions"`
		Pointers map[string]struct {
			Module string `json:"module"`
			File   string `json:"python_file"`
		} `json:"repository_code_pointer_dict"`
		File         string   `json:"file"`
		Dependencies []string `json:"dependencies"`
		ErrorInfo
	}
	if err := json.Unmarshal(reply, &content); err != nil {
		return nil, fmt.Errorf("the code server's reply is not JSON: %w", err)
	}
	switch content.Class {
	case "ListRepositoriesResponse":
		location := &Location{Version: content.Versions["dagster"]}
		for _, pointer := range content.Pointers {
			location.Modules = append(location.Modules, cmp.Or(pointer.Module, filepath.Base(pointer.File)))
		}
		return location, nil
	case "SerializableErrorInfo":
		return nil, &LoadError{content.Sentence(folder)}
	case "MissingDependencies":
		return nil, &LoadError{fmt.Sprintf("%s/%s depends on what the pipes image lacks: %s. Add it to the dependencies "+
			"of the project that the image is built from, and build that again (docs/howto/add-a-dependency.md)",
			folder, content.File, strings.Join(content.Dependencies, ", "))}
	case "UnreadableDependencies":
		return nil, &LoadError{content.Message}
	}
	return nil, fmt.Errorf("the code server's reply is of an unknown class %q", content.Class)
}

// RepositoryNames are the names of the repositories in a reply to ListRepositories; none if the code did
// not load.
func RepositoryNames(reply []byte) []string {
	var content struct {
		Symbols []struct {
			Name string `json:"repository_name"`
		} `json:"repository_symbols"`
	}
	if err := json.Unmarshal(reply, &content); err != nil {
		return nil
	}
	var names []string
	for _, each := range content.Symbols {
		names = append(names, each.Name)
	}
	return names
}

// Sentence is the exception that the user's code caused, and its place in a file under folder.
func (e *ErrorInfo) Sentence(folder string) string {
	// Dagster wraps the exception in its own, each with a cause and without news.
	exception, place := e, e.place(folder)
	for strings.HasPrefix(exception.Message, "dagster.") && exception.Cause != nil {
		exception = exception.Cause
		if inner := exception.place(folder); inner != "" {
			place = inner
		}
	}
	text := exception.Message
	if start := strings.LastIndex(text, exception.ClassName+": "); exception.isSyntaxError() && start >= 0 {
		text = text[start:] // before it, Python prints the place and the line itself
	} else if prefix, rest, found := strings.Cut(text, exception.ClassName+": "); found && !strings.Contains(prefix, " ") {
		text = exception.ClassName + ": " + rest // without the exception's module
	}
	text = strings.TrimSpace(text)
	if place != "" && !strings.Contains(text, folder) { // errors in YAML name file and line themselves
		text += " (" + place + ")"
	}
	return text
}

// frame is how Python's traceback module starts a frame, and a syntax error's message.
var frame = regexp.MustCompile(`^  File "([^"]+)", line ([0-9]+)`)

// place is the innermost file and line under folder, or "".
func (e *ErrorInfo) place(folder string) string {
	lines := e.Stack
	if e.isSyntaxError() {
		lines = append(append([]string{}, lines...), e.Message)
	}
	for i := len(lines) - 1; i >= 0; i-- {
		match := frame.FindStringSubmatch(lines[i])
		if match == nil {
			continue
		}
		if inside, err := filepath.Rel(folder, match[1]); err == nil && filepath.IsLocal(inside) {
			return match[1] + ", line " + match[2]
		}
	}
	return ""
}

// isSyntaxError tells the exceptions whose message begins with a place: SyntaxError and its kinds.
func (e *ErrorInfo) isSyntaxError() bool {
	return frame.MatchString(e.Message)
}
