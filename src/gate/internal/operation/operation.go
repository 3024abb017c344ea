// Package operation reads what a GraphQL request asks for, and writes the request anew, so that the
// webserver cannot read in it what the gate has not.
package operation

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// maxTokens of one document. Dagster's own page sends some hundred.
const maxTokens = 50_000

// Change is one mutation that a document has.
type Change struct {
	Mutation string
	On       map[string]any // see [reduce]
}

// Request is one GraphQL request.
type Request struct {
	Changes []Change
	Only    ast.Operation // the kind of all operations in the document; "" for several kinds
	fields  map[string]json.RawMessage
}

// Read reads the members of one request: query, variables, operationName.
//
// Every mutation in the document counts, whichever of its operations is asked for: a request that
// carries a mutation which it does not use has no honest purpose.
func Read(data []byte) (Request, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return Request{}, errors.New("this is no GraphQL request in JSON")
	}
	var query string
	if err := json.Unmarshal(fields["query"], &query); err != nil {
		return Request{}, errors.New("there is no GraphQL query in the request")
	}
	var variables map[string]any
	if raw, given := fields["variables"]; given {
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			raw = json.RawMessage(text) // Dagster reads a string, too
		}
		if err := json.Unmarshal(raw, &variables); err != nil {
			return Request{}, errors.New("the variables of the GraphQL request are no JSON object")
		}
	}
	if control := strings.IndexFunc(query, isControl); control >= 0 {
		return Request{}, errors.New("the GraphQL query has a control character")
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, maxTokens)
	if err != nil {
		return Request{}, fmt.Errorf("the GraphQL query cannot be read: %w", err)
	}
	if len(document.Operations) == 0 {
		return Request{}, errors.New("the GraphQL query has no operation")
	}
	request := Request{Only: document.Operations[0].Operation, fields: make(map[string]json.RawMessage)}
	for _, each := range document.Operations {
		if each.Operation != request.Only {
			request.Only = ""
		}
		if each.Operation != ast.Query && each.Operation != ast.Subscription {
			request.Changes = append(request.Changes, changes(document, each, variables)...)
		}
	}
	for _, name := range []string{"query", "variables", "operationName", "operation_name", "extensions"} {
		if value, given := fields[name]; given {
			request.fields[name] = value
		}
	}
	return request, nil
}

// isControl tells of characters at which two readers may disagree where a line ends.
func isControl(r rune) bool {
	return (r < ' ' && r != '\n' && r != '\t' && r != '\r') || r == 0x7f
}

// JSON is the request, each member once.
func (r Request) JSON() []byte {
	written, err := json.Marshal(r.fields)
	if err != nil {
		panic(err) // raw messages that were read
	}
	return written
}

// Batch reads a body: one request, or an array of them. Dagster answers no arrays (1.13), and what
// another release may do with them is known here already.
func Batch(body []byte) ([]Request, []byte, error) {
	if !strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "[") {
		request, err := Read(body)
		return []Request{request}, request.JSON(), err
	}
	var each []json.RawMessage
	if err := json.Unmarshal(body, &each); err != nil || len(each) == 0 {
		return nil, nil, errors.New("this is no list of GraphQL requests in JSON")
	}
	var requests []Request
	var written []string
	for _, data := range each {
		request, err := Read(data)
		if err != nil {
			return nil, nil, err
		}
		requests = append(requests, request)
		written = append(written, string(request.JSON()))
	}
	return requests, []byte("[" + strings.Join(written, ",") + "]"), nil
}

func changes(document *ast.QueryDocument, operation *ast.OperationDefinition, variables map[string]any) []Change {
	var found []Change
	var seen []string
	var walk func(ast.SelectionSet)
	walk = func(selections ast.SelectionSet) {
		for _, selection := range selections {
			switch each := selection.(type) {
			case *ast.Field:
				found = append(found, Change{each.Name, reduce(arguments(each, variables))})
			case *ast.InlineFragment:
				walk(each.SelectionSet)
			case *ast.FragmentSpread:
				if fragment := document.Fragments.ForName(each.Name); fragment != nil && !slices.Contains(seen, each.Name) {
					seen = append(seen, each.Name)
					walk(fragment.SelectionSet)
				}
			}
		}
	}
	walk(operation.SelectionSet)
	return found
}

func arguments(field *ast.Field, variables map[string]any) map[string]any {
	found := make(map[string]any)
	for _, argument := range field.Arguments {
		if value, err := argument.Value.Value(variables); err == nil {
			found[argument.Name] = value
		}
	}
	return found
}
