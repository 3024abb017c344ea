package main

import (
	"strings"
	"testing"
)

func TestPipelinesLeaveConnectionsToDagster(t *testing.T) {
	for settings, most := range map[string]int{
		"max_connections = 30\n":                                   15,
		"max_connections = 30\ndagnix.storage_connections = '4'\n": 4,
	} {
		s := newServer(t)
		s.configure(t, settings)
		s.run(t)
		got := 0
		for ; got < 30; got++ {
			connection := s.open(t, "storage", "storage")
			if _, err := connection.Exec("SELECT 1"); err != nil {
				if !strings.Contains(err.Error(), `too many connections for role "storage"`) {
					t.Errorf("pipelines: %v", err)
				}
				break
			}
		}
		if got != most {
			t.Errorf("with %q pipelines got %d connections", settings, got)
		}
		for range 30 - most - 3 { // three are the superuser's
			if _, err := s.open(t, "dagster", `dagster's \ word`).Exec("SELECT 1"); err != nil {
				t.Fatalf("Dagster: %v", err)
			}
		}
		s.stop(t)
	}
}

func TestAQueryThatTakesAllMemoryFailsAlone(t *testing.T) {
	s := newServer(t)
	s.environment = append(s.environment, "DAGNIX_PG_MEMORY=768m")
	s.run(t)
	dagster, storage := s.open(t, "dagster", `dagster's \ word`), s.open(t, "storage", "storage")
	dagster.SetMaxOpenConns(1)
	const process = "SELECT pg_backend_pid()"
	var before, after, other int
	if err := dagster.QueryRow(process).Scan(&before); err != nil {
		t.Fatal(err)
	}
	// A gigabyte or so, in pieces.
	_, err := storage.Exec("SELECT array_agg(repeat('x', 1000) || n) FROM generate_series(1, 1000000) AS n")
	if err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("the query: %v", err)
	}
	if err := dagster.QueryRow(process).Scan(&after); err != nil || after != before {
		t.Errorf("Dagster's session: %v", err)
	}
	if err := storage.QueryRow(process).Scan(&other); err != nil {
		t.Errorf("another query: %v", err)
	}

	s.stop(t)
	s.environment = append(s.environment, "DAGNIX_PG_MEMORY=0")
	s.run(t)
	s.stop(t)
	wrong := append(s.environment, "DAGNIX_PG_MEMORY=much")
	code, _, said := finish(t, wrong, "postgres")
	expect(t, 1, `DAGNIX_POSTGRES_MEMORY is "much": give a number with its unit`, code, said)
}
