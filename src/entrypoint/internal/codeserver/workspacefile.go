package codeserver

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workspaceFile is what Dagster reads of workspace.yaml; see dagster._core.workspace.config_schema.
type workspaceFile struct {
	LoadFrom []map[string]entry `yaml:"load_from"`
}

// entry is one code location: a name alone, or with more about it. The Python that executable_path
// names has no say, as it is the image's.
type entry struct {
	Name             string
	ModuleName       string `yaml:"module_name"`
	PackageName      string `yaml:"package_name"`
	RelativePath     string `yaml:"relative_path"`
	Attribute        string `yaml:"attribute"`
	WorkingDirectory string `yaml:"working_directory"`
	LocationName     string `yaml:"location_name"`
}

// UnmarshalYAML takes both forms.
func (e *entry) UnmarshalYAML(value *yaml.Node) error {
	if value.Kind == yaml.ScalarNode {
		return value.Decode(&e.Name)
	}
	type plain entry
	return value.Decode((*plain)(e))
}

// options are those of `dagster api grpc`, by what workspace.yaml calls them.
var options = map[string]string{
	"python_file":          "--python-file",
	"python_module":        "--module-name",
	"python_package":       "--package-name",
	"autoload_defs_module": "--autoload-defs-module-name",
}

// fromWorkspace reads workspace.yaml or workspace.yml.
func fromWorkspace(folder string) (project, error) {
	path := filepath.Join(folder, "workspace.yaml")
	if !isFile(path) {
		path = filepath.Join(folder, "workspace.yml")
	}
	text, err := readText(path)
	if err != nil || text == nil {
		return project{}, err
	}
	var file workspaceFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return project{}, fmt.Errorf("%s is not as Dagster has it: %s", path, strings.Join(strings.Fields(err.Error()), " "))
	}
	served := []string{}
	var found project
	for _, location := range file.LoadFrom {
		for kind, entry := range location {
			option, known := options[kind]
			if !known {
				return project{}, fmt.Errorf("%s has an entry %s, which is no code that could be served: give python_file, python_module or python_package", path, kind)
			}
			found = entry.project(folder, option)
			served = append(served, entry.target())
		}
	}
	switch len(served) {
	case 0:
		return project{}, fmt.Errorf("%s names no code: give python_file, python_module or python_package under load_from", path)
	case 1:
		return found, nil
	}
	return project{}, several(path, served)
}

func (e *entry) target() string {
	for _, name := range []string{e.Name, e.RelativePath, e.ModuleName, e.PackageName} {
		if name != "" {
			return name
		}
	}
	return ""
}

func (e *entry) project(folder, option string) project {
	found := project{option: option, target: e.target(), attribute: e.Attribute, location: e.LocationName}
	if option == "--python-file" {
		found.target = filepath.Join(folder, found.target)
		found.modules = folder
	}
	if e.WorkingDirectory != "" {
		found.modules = within(folder, e.WorkingDirectory)
	}
	return found
}

// within is a path that is given relative to the project's folder.
func within(folder, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(folder, path)
}
