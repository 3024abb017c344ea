// Package codeserver finds out how Dagster has to serve a project.
package codeserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"
)

// project is what Dagster needs to load a code location.
type project struct {
	// option is the option of `dagster code-server start` that takes the module.
	option, module string
	// location is the name of the code location.
	location string
}

// pyproject holds the parts of pyproject.toml that `dg` and `dagster` read; see DgProjectConfig in
// dagster_dg_core.config and get_target_from_toml_data in dagster._core.workspace.load_target.
type pyproject struct {
	Tool struct {
		Dagster struct {
			ModuleName       string `toml:"module_name"`
			CodeLocationName string `toml:"code_location_name"`
		} `toml:"dagster"`
		Dg dgConfig `toml:"dg"`
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
}

// readProject reads the project's configuration as `dg` and `dagster dev` do.
func readProject(folder string) (project, error) {
	path := filepath.Join(folder, "pyproject.toml")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return project{}, fmt.Errorf("no Dagster project in %s: it has no pyproject.toml; mount or bake in a folder made by `create-dagster project`", folder)
	}
	if errors.Is(err, fs.ErrPermission) {
		return project{}, unreadable(folder, err)
	}
	if err != nil {
		return project{}, fmt.Errorf("cannot read the Dagster project: %w", err)
	}
	var file pyproject
	if err := toml.Unmarshal(text, &file); err != nil {
		if syntax := new(toml.DecodeError); errors.As(err, &syntax) {
			line, _ := syntax.Position()
			return project{}, fmt.Errorf("%s, line %d: %s", path, line, syntax.Error())
		}
		return project{}, fmt.Errorf("%s: %w", path, err)
	}
	dagster, dg := file.Tool.Dagster, file.Tool.Dg.Project
	found := project{option: "--module-name"}
	switch {
	case dagster.ModuleName != "":
		found.module, found.location = dagster.ModuleName, dagster.CodeLocationName
	case dg.RootModule == "":
		return project{}, fmt.Errorf("%s names no Dagster module: set root_module under [tool.dg.project]", path)
	case dg.AutoloadDefs:
		found.option = "--autoload-defs-module-name"
		found.module, found.location = dg.DefsModule, dg.CodeLocationName
		if found.module == "" {
			found.module = dg.RootModule + ".defs"
		}
	default:
		found.module, found.location = dg.CodeLocationTargetModule, dg.CodeLocationName
		if found.module == "" {
			found.module = dg.RootModule + ".definitions"
		}
	}
	if found.location == "" {
		found.location = filepath.Base(folder)
	}
	return found, nil
}

// unreadable says how a mounted folder becomes readable: its owner is another user than the image's.
func unreadable(folder string, err error) error {
	return fmt.Errorf("the folder that is mounted at %s is closed to other users than its owner (%w): `chmod -R o+rX` it", folder, err)
}
