// Package role knows who may do what.
package role

import (
	_ "embed"
	"encoding/json"
)

// Role is what somebody may do: each may do what those before it may.
type Role int

// The roles. Of Dagster's mutations a viewer may use none.
const (
	None Role = iota
	Viewer
	Operator
	Admin
)

var names = map[string]Role{"viewer": Viewer, "operator": Operator, "admin": Admin}

// Parse returns the role of a name, None for any other.
func Parse(name string) Role { return names[name] }

// String is the role's name.
func (r Role) String() string {
	for name, role := range names {
		if role == r {
			return name
		}
	}
	return "none"
}

//go:embed mutations.json
var table []byte

var mutations = func() map[string]Role {
	var read map[string]string
	if err := json.Unmarshal(table, &read); err != nil {
		panic(err)
	}
	found := make(map[string]Role, len(read))
	for mutation, name := range read {
		found[mutation] = Parse(name)
	}
	return found
}()

// Needed is the role that a mutation needs; one that the table does not have is an admin's.
func Needed(mutation string) Role {
	if role := mutations[mutation]; role != None {
		return role
	}
	return Admin
}
