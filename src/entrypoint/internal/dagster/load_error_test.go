package dagster

import (
	"os"
	"path/filepath"
	"testing"
)

const folder = "/opt/dagster/pipes"

// The replies in testdata were given by Dagster 1.13.27's code server, on Python 3.11; their paths are
// made those of the image, and most of Dagster's own frames are cut out.
func TestParseLocationNamesExceptionAndPlace(t *testing.T) {
	assets := folder + "/src/weather/defs/assets.py"
	for reply, want := range map[string]string{
		"syntax":         "SyntaxError: invalid syntax (" + assets + ", line 9)",
		"missing_module": "ModuleNotFoundError: No module named 'duckdb' (" + assets + ", line 1)",
		"raises":         "ValueError: HOST is not set,\nset it (" + assets + ", line 13)",
		"duplicate": "DagsterInvalidDefinitionError: Asset key hello is defined multiple times. " +
			"Definitions found in modules: weather.defs.assets. (" + folder + "/src/weather/definitions.py, line 8)",
		"component": "ValidationError: 1 validation error for DefsFolderComponentYamlSchemaModel\n" +
			"`attributes.nope at " + folder + "/src/weather/defs/comp/defs.yaml:3`\n" +
			"  Extra inputs are not permitted [type=extra_forbidden, input_value=3, input_type=int]\n" +
			"    For further information visit …",
		"exit": "Exception: gRPC server exited with return code 1 while starting up with the command: " +
			`"/opt/dagster/venv/bin/python3 -m dagster api grpc --lazy-load-user-code --socket /tmp/tmppfwk9c4t ` +
			`--heartbeat --heartbeat-timeout 30 --log-level info --location-name proj2 -m weather.definitions -d ` + folder + `/src"`,
	} {
		_, err := ParseLocation(read(t, reply), folder)
		if want = "the code does not load: " + want; err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", reply, err, want)
		}
	}
}

func TestParseLocationOfCodeThatLoads(t *testing.T) {
	location, err := ParseLocation(read(t, "good"), folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(location.Modules) != 1 || location.Modules[0] != "weather.definitions" || location.Version != "1.13.27" {
		t.Errorf("got %+v", location)
	}
}

func TestParseLocationRefusesWhatItDoesNotKnow(t *testing.T) {
	for reply, want := range map[string]string{
		``:                       "the code server's reply is not JSON: unexpected end of JSON input",
		`{"__class__": "Other"}`: `the code server's reply is of an unknown class "Other"`,
	} {
		if _, err := ParseLocation([]byte(reply), folder); err == nil || err.Error() != want {
			t.Errorf("%q: got %v", reply, err)
		}
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
