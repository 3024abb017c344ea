package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dagnix/gate/internal/account"
	"dagnix/gate/internal/audit"
	"dagnix/gate/internal/operation"
	"dagnix/gate/internal/role"
)

// reports are the paths at which other systems tell of assets: changes that are no GraphQL.
var reports = []string{"/report_asset_materialization/", "/report_asset_check/", "/report_asset_observation/"}

// may tells whether a request may be passed on, and makes it ready; otherwise it has answered.
func (g *Gate) may(w http.ResponseWriter, r *http.Request, path string, who account.Identity) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
		if path == "/graphql" {
			return g.mayRead(w, r, who)
		}
		return true
	case http.MethodPost:
		if path == "/graphql" {
			return g.mayPost(w, r, who)
		}
		for _, report := range reports {
			if strings.HasPrefix(path, report) {
				return g.mayReport(w, r, strings.Trim(report, "/"), strings.TrimPrefix(path, report), who)
			}
		}
	}
	refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("there is no %s here", r.Method))
	return false
}

// mayRead lets queries through, and the page on which people write them.
func (g *Gate) mayRead(w http.ResponseWriter, r *http.Request, who account.Identity) bool {
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, errors.New("the address cannot be read"))
		return false
	}
	kept := url.Values{}
	fields := make(map[string]string)
	for _, name := range []string{"query", "variables", "operationName"} {
		if len(given[name]) > 1 {
			refuse(w, http.StatusBadRequest, fmt.Errorf("the address has %s more than once", name))
			return false
		}
		if given.Has(name) {
			fields[name] = given.Get(name)
			kept.Set(name, given.Get(name))
		}
	}
	if given.Has("query") {
		body, _ := json.Marshal(fields) // strings
		request, err := operation.Read(body)
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return false
		}
		if len(request.Changes) > 0 {
			err = errors.New("mutations come by POST with JSON")
			g.tell(r, who, request.Changes, err)
			refuse(w, http.StatusMethodNotAllowed, err)
			return false
		}
	}
	r.URL.RawQuery = kept.Encode()
	return true
}

func (g *Gate) mayPost(w http.ResponseWriter, r *http.Request, who account.Identity) bool {
	if err := isJSON(r); err != nil {
		refuse(w, http.StatusUnsupportedMediaType, err)
		return false
	}
	body, ok := whole(w, r)
	if !ok {
		return false
	}
	requests, written, err := operation.Batch(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return false
	}
	var changes []operation.Change
	for _, each := range requests {
		changes = append(changes, each.Changes...)
	}
	for _, change := range changes {
		if needed := role.Needed(change.Mutation); who.Role < needed {
			err = fmt.Errorf("%s needs the role %s, and %s is %s", change.Mutation, needed, who.Name, who.Role)
			g.tell(r, who, changes, err)
			answer(w, http.StatusForbidden, "Refused: "+err.Error()+".")
			return false
		}
	}
	g.tell(r, who, changes, nil)
	replace(r, written)
	return true
}

func (g *Gate) mayReport(w http.ResponseWriter, r *http.Request, what, asset string, who account.Identity) bool {
	change := operation.Change{Mutation: what, On: map[string]any{"assetKey": asset}}
	var err error
	status := http.StatusForbidden
	if r.ContentLength != 0 || r.Header.Get("Content-Type") != "" {
		if err = isJSON(r); err != nil {
			status = http.StatusUnsupportedMediaType
		}
	}
	if err == nil && who.Role < role.Operator {
		err = fmt.Errorf("%s needs the role operator, and %s is %s", what, who.Name, who.Role)
	}
	g.tell(r, who, []operation.Change{change}, err)
	if err != nil {
		refuse(w, status, err)
		return false
	}
	body, ok := whole(w, r)
	if ok {
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength, r.TransferEncoding = int64(len(body)), nil
	}
	return ok
}

// whole reads a body; otherwise it has answered.
func whole(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, errors.New("the request is too long, too slow or has broken off"))
		return nil, false
	}
	return body, true
}

// isJSON asks for a content type that a page of another site cannot send unasked.
func isJSON(r *http.Request) error {
	kinds := r.Header.Values("Content-Type")
	kind := ""
	if len(kinds) == 1 {
		kind = strings.ToLower(strings.ReplaceAll(kinds[0], " ", ""))
	}
	if kind != "application/json" && kind != "application/json;charset=utf-8" {
		return errors.New("only Content-Type: application/json is taken here")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" {
		return errors.New("no Content-Encoding is taken here")
	}
	return nil
}

func replace(r *http.Request, body []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	r.Header.Set("Content-Type", "application/json")
	r.URL.RawQuery = "" // nothing else says what to do
}

func (g *Gate) tell(r *http.Request, who account.Identity, changes []operation.Change, refused error) {
	for _, change := range changes {
		entry := audit.Entry{
			Event: "change", Who: who.Name, Role: who.Role.String(), From: address(r),
			What: change.Mutation, On: change.On,
		}
		if refused != nil {
			entry.Refused = refused.Error()
		}
		g.log.Write(entry)
	}
}

// answer refuses as GraphQL does, so that the dashboard shows why.
func answer(w http.ResponseWriter, status int, says string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"message": says}}})
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
