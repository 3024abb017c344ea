// Package codeserver finds out how Dagster has to serve a project.
package codeserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// project is what Dagster needs to load a code location. src/dagnix/code/dagster_project.py decides as this does;
// tests/projects has the cases for both.
type project struct {
	// option is the option of `dagster api grpc` that takes the target: a module, or a file.
	option, target string
	// attribute is what is served of the target; "" lets Dagster look.
	attribute string
	// modules is the folder that the project's modules are imported from.
	modules string
	// location is the name of the code location.
	location string
}

// pyproject holds the parts of pyproject.toml that `dg` and `dagster` read; see DgProjectConfig in
// dagster_dg_core.config and get_target_from_toml_data in dagster._core.workspace.load_target.
type pyproject struct {
	Tool struct {
		Dagster *struct {
			ModuleName string `toml:"module_name"`
			Modules    []struct {
				Type string `toml:"type"`
				Name string `toml:"name"`
			} `toml:"modules"`
			CodeLocationName string `toml:"code_location_name"`
		} `toml:"dagster"`
		Dg *dgConfig `toml:"dg"`
	} `toml:"tool"`
}

type dgConfig struct {
	Project struct {
		RootModule               string `toml:"root_module"`
		CodeLocationTargetModule string `toml:"code_location_target_module"`
		CodeLocationName         string `toml:"code_location_name"`
		AutoloadDefs             bool   `toml:"autoload_defs"`
		DefsModule               string `toml:"defs_module"`
	} `toml:"project"`
	Workspace *struct{} `toml:"workspace"`
}

// notServed are files beside a single file with definitions.
var notServed = []string{"setup.py", "conftest.py", "__init__.py"}

// readProject finds what to serve where `dg` and `dagster dev` look, in their order, and then in a
// single file.
func readProject(folder string) (project, error) {
	found := project{}
	for _, read := range []func(string) (project, error){fromPyproject, fromWorkspace, fromFile} {
		var err error
		if found, err = read(folder); err != nil {
			return project{}, err
		}
		if found.target != "" {
			break
		}
	}
	if found.target == "" {
		return project{}, fmt.Errorf("no Dagster project in %s: no pyproject.toml with [tool.dg.project] or [tool.dagster], no workspace.yaml, and no definitions.py; `create-dagster project` makes one", folder)
	}
	if found.modules == "" {
		found.modules = modules(folder, found.target)
	}
	if found.location == "" {
		found.location = filepath.Base(folder)
	}
	return found, nil
}

// fromPyproject reads [tool.dagster], then [tool.dg] or dg.toml.
func fromPyproject(folder string) (project, error) {
	var file pyproject
	path := filepath.Join(folder, "pyproject.toml")
	if err := readTOML(path, &file); err != nil {
		return project{}, err
	}
	named := path
	var own dgConfig
	if other := filepath.Join(folder, "dg.toml"); isFile(other) {
		if err := readTOML(other, &own); err != nil {
			return project{}, err
		}
		file.Tool.Dg, named = &own, other
	}
	if dagster := file.Tool.Dagster; dagster != nil {
		served := []string{}
		for _, module := range dagster.Modules {
			if module.Type == "module" {
				served = append(served, module.Name)
			}
		}
		if dagster.ModuleName != "" {
			served = append(served, dagster.ModuleName)
		}
		if len(served) > 1 {
			return project{}, several(path, served)
		}
		if len(served) == 1 {
			return project{option: "--module-name", target: served[0], location: dagster.CodeLocationName}, nil
		}
	}
	if file.Tool.Dg == nil {
		return project{}, nil
	}
	dg := file.Tool.Dg.Project
	if dg.RootModule == "" && file.Tool.Dg.Workspace != nil {
		return project{}, fmt.Errorf("%s is that of a dg workspace: name the folder of one of its projects, as each is a code location of its own", named)
	}
	if dg.RootModule == "" {
		return project{}, fmt.Errorf("%s names no Dagster module: set root_module under [tool.dg.project]", named)
	}
	found := project{option: "--module-name", target: dg.CodeLocationTargetModule, location: dg.CodeLocationName}
	if dg.AutoloadDefs {
		found.option, found.target = "--autoload-defs-module-name", dg.DefsModule
		if found.target == "" {
			found.target = dg.RootModule + ".defs"
		}
	}
	if found.target == "" {
		found.target = dg.RootModule + ".definitions"
	}
	return found, nil
}

// fromFile takes definitions.py, or the one Python file that there is.
func fromFile(folder string) (project, error) {
	names := []string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.py"))
	if err != nil {
		return project{}, err
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "definitions.py" {
			names = []string{name}
			break
		}
		if !slices.Contains(notServed, name) && !strings.HasPrefix(name, "test_") {
			names = append(names, name)
		}
	}
	switch len(names) {
	case 0:
		return project{}, nil
	case 1:
		return project{option: "--python-file", target: filepath.Join(folder, names[0]), modules: folder}, nil
	}
	return project{}, fmt.Errorf("%s has no definitions.py, and nothing that says which of its Python files has the definitions (%s): name it in workspace.yaml as python_file", folder, strings.Join(names, ", "))
}

func several(path string, served []string) error {
	return fmt.Errorf("%s names %d code locations (%s), and a folder is served as one: leave one in, and put each of the others into a folder of its own", path, len(served), strings.Join(served, ", "))
}

// modules is the folder of a module of the project: the same choice as dg's get_path_for_local_module,
// where the module is in one of the two.
func modules(folder, module string) string {
	source := filepath.Join(folder, "src")
	if info, err := os.Stat(source); err != nil || !info.IsDir() {
		return folder
	}
	top, _, _ := strings.Cut(module, ".")
	if has(folder, top) && !has(source, top) {
		return folder
	}
	return source
}

// has tells whether a folder has a top-level module.
func has(folder, module string) bool {
	for _, name := range []string{module, module + ".py"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			return true
		}
	}
	return false
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// readTOML reads a file; one that is not there says nothing.
func readTOML(path string, into any) error {
	text, err := readText(path)
	if err != nil {
		return err
	}
	if err := toml.Unmarshal(text, into); err != nil {
		if syntax := new(toml.DecodeError); errors.As(err, &syntax) {
			line, _ := syntax.Position()
			return fmt.Errorf("%s, line %d: %s", path, line, syntax.Error())
		}
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func readText(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, unreadable(filepath.Dir(path), err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the Dagster project: %w", err)
	}
	return text, nil
}

// unreadable says how a mounted folder becomes readable: its owner is another user than the image's.
func unreadable(folder string, err error) error {
	return fmt.Errorf("the folder that is mounted at %s is closed to other users than its owner (%w): `chmod -R o+rX` it", folder, err)
}
