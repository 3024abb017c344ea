package operation

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func body(query, operation string, variables any) []byte {
	written, _ := json.Marshal(map[string]any{"query": query, "operationName": operation, "variables": variables})
	return written
}

func names(t *testing.T, data []byte) []string {
	t.Helper()
	request, err := Read(data)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	found := []string{}
	for _, each := range request.Changes {
		found = append(found, each.Mutation)
	}
	return found
}

func TestMutationsAreFoundByParsing(t *testing.T) {
	cases := map[string][]string{
		"{ version }":                                          {},
		"query Q { runs { launchRun } }":                       {},
		`{ a(text: "mutation { launchRun }") }`:                {},
		"# mutation { launchRun }\n{ version }":                {},
		"subscription { logs }":                                {},
		"mutation { launchRun }":                               {"launchRun"},
		"mutation{a:launchRun b:deleteRun}":                    {"launchRun", "deleteRun"},
		"fragment F on Mutation { deleteRun } mutation {...F}": {"deleteRun"},
		"mutation { ... on Mutation { deleteRun } }":           {"deleteRun"},
		"mutation { ... { ... { deleteRun } } }":               {"deleteRun"},
		// Whichever is asked for, and however often a fragment names itself.
		"query Q { version } mutation M { deleteRun }":                               {"deleteRun"},
		"fragment F on Mutation { ...F deleteRun } mutation { ...F }":                {"deleteRun"},
		"# a comment ends at a carriage return\rmutation { launchRun }":              {"launchRun"},
		"\ufeffmutation { launchRun }":                                               {"launchRun"},
		"mutation M($a: String = \"}\") @skip(if: true) { launchRun(a: $a) }":        {"launchRun"},
		"{ a(text: \"\"\"\nmutation { x }\n\\\"\"\" } \"\"\") } mutation{launchRun}": {"launchRun"},
	}
	for query, want := range cases {
		if got := names(t, body(query, "Q", nil)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, not %v", query, got, want)
		}
	}
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	for _, each := range []string{
		``, `{}`, `[]`, `null`, `"{version}"`, `{"query": 1}`, `{"query": ""}`, `{"query": "{"}`, `{"Query": "{version}"}`,
		`{"query": "{version}", "variables": 1}`, `{"query": "{version}", "variables": "x"}`,
		`{"query": "fragment F on Query { version }"}`, `{"query": "{version} \u0000"}`, `{"query": "{version} \u000b"}`,
		"\xef\xbb\xbf" + `{"query": "{version}"}`, `{"query": "{version}"} {"query": "mutation{launchRun}"}`,
		`{"query": "type Mutation { launchRun: Int }"}`,
	} {
		if _, err := Read([]byte(each)); err == nil {
			t.Errorf("%q is read", each)
		}
	}
	if _, err := Read(body("{"+strings.Repeat("a ", maxTokens)+"}", "", nil)); err == nil {
		t.Error("a document without end is read")
	}
}

func TestARequestIsWrittenAnew(t *testing.T) {
	request, err := Read([]byte(`{"query": "mutation{launchRun}", "more": 1, "query": "{version}", "operationName": null}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(request.JSON()); got != `{"operationName":null,"query":"{version}"}` || len(request.Changes) > 0 {
		t.Error(got)
	}
}

func TestEachRequestOfABatchCounts(t *testing.T) {
	requests, written, err := Batch([]byte(` [{"query": "{version}"}, {"query": "mutation{deleteRun}"}]`))
	if err != nil || len(requests) != 2 || requests[1].Changes[0].Mutation != "deleteRun" {
		t.Error(requests, err)
	}
	if string(written) != `[{"query":"{version}"},{"query":"mutation{deleteRun}"}]` {
		t.Error(string(written))
	}
	for _, each := range []string{"[]", "[1]", `[{"query":"{a}"},null]`, "["} {
		if _, _, err := Batch([]byte(each)); err == nil {
			t.Errorf("%s is read", each)
		}
	}
}

func TestOfTheArgumentsOnlySelectorsAreTold(t *testing.T) {
	query := `mutation M($p: P!, $run: String!) { launchRun(executionParams: $p) terminateRun(runId: $run, note: "n") wipeAssets(keys: [{assetKey: {path: ["a", "b"]}}, {assetKey: {path: ["c"]}}]) }`
	variables := map[string]any{
		"run": "r1",
		"p": map[string]any{
			"selector":      map[string]any{"pipelineName": "job", "repositoryLocationName": strings.Repeat("x", 300)},
			"runConfigData": map[string]any{"ops": map[string]any{"password": "hunter2", "path": "hunter2"}},
		},
	}
	request, err := Read(body(query, "M", variables))
	if err != nil {
		t.Fatal(err)
	}
	written, _ := json.Marshal(request.Changes)
	for _, hidden := range []string{"hunter2", `"n"`, strings.Repeat("x", 201)} {
		if strings.Contains(string(written), hidden) {
			t.Errorf("%s is told: %s", hidden, written)
		}
	}
	want := []map[string]any{
		{"pipelineName": "job", "repositoryLocationName": strings.Repeat("x", 200) + "…"},
		{"runId": "r1"},
		{"path": []any{"a", "b", "c"}},
	}
	for place, each := range want {
		if got := request.Changes[place].On; !reflect.DeepEqual(got, each) {
			t.Errorf("%v, not %v", got, each)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"query": "mutation{launchRun}"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if request, err := Read(data); err == nil {
			again, err := Read(request.JSON())
			if err != nil || !reflect.DeepEqual(again.Changes, request.Changes) {
				t.Errorf("%q is read differently the second time: %v", data, err)
			}
		}
	})
}
