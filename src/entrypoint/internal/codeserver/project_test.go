package codeserver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cases has the projects that src/dagnix/code/dagster_project.py is tested with, too.
const cases = "../../../tests/projects"

type projectCase struct {
	Name   string            `json:"name"`
	Files  map[string]string `json:"files"`
	Target *struct {
		Option    string `json:"option"`
		Value     string `json:"value"`
		Modules   string `json:"modules"`
		Attribute string `json:"attribute"`
		Location  string `json:"location"`
	} `json:"target"`
	Refused string `json:"refused"`
}

// folder is that of the project, which is made if it is not one of tests/projects.
func (c *projectCase) folder(t *testing.T) string {
	t.Helper()
	if c.Files == nil {
		return filepath.Join(cases, c.Name)
	}
	folder := filepath.Join(t.TempDir(), "project")
	for name, text := range c.Files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestProjects(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(cases, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []projectCase
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, each := range all {
		if each.Target == nil && each.Refused == "" {
			continue
		}
		t.Run(each.Name, func(t *testing.T) {
			folder := each.folder(t)
			got, err := readProject(folder)
			if each.Refused != "" {
				if err == nil || !strings.Contains(err.Error(), each.Refused) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %+v, %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := project{
				option: "--" + each.Target.Option, target: each.Target.Value, attribute: each.Target.Attribute,
				modules: filepath.Join(folder, each.Target.Modules), location: each.Target.Location,
			}
			if each.Target.Option == "python-file" {
				want.target = filepath.Join(folder, want.target)
			}
			if want.location == "" {
				want.location = filepath.Base(folder)
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
