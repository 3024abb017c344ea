package alerts

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"dagnix/runtime/internal/dagster"
)

// A timestamp has no zone in Dagster's tables: it is in that of the session, as those that write it.
// Each query uses an index, as in dagster_dagnix.metrics.
const (
	ofRun = `
SELECT run.run_id, run.pipeline_name, run.status = 'FAILURE', coalesce(run.end_time, 0),
       coalesce(substring(max(tag.value) FILTER (WHERE tag.key = '.dagster/repository') from '[^@]*$'), ''),
       coalesce(lower(max(tag.value) FILTER (WHERE tag.key = 'dagster/will_retry')), ''),
       coalesce(max(tag.value) FILTER (WHERE tag.key = 'dagster/retry_number'), ''),
       coalesce(bool_or(tag.key = 'dagster/auto_retry_run_id'), false),
       coalesce(bool_or(tag.key = 'dagnix/alert' AND lower(tag.value) IN ('off', 'false')), false)
FROM runs run LEFT JOIN run_tags tag ON tag.run_id = run.run_id AND tag.key IN
     ('.dagster/repository', 'dagster/will_retry', 'dagster/retry_number', 'dagster/auto_retry_run_id', 'dagnix/alert')
WHERE `
	ended = ofRun + `run.status IN ('SUCCESS', 'FAILURE')
  AND run.update_timestamp >= to_timestamp($1)::timestamp AND run.end_time >= $1
GROUP BY run.id ORDER BY run.end_time`
	chosen = ofRun + `run.run_id = ANY($1) GROUP BY run.id`
	queue  = `
SELECT count(*), coalesce(extract(epoch FROM now()) - extract(epoch FROM min(create_timestamp)::timestamptz), 0)
FROM runs WHERE status = 'QUEUED'`
	failure = `
SELECT event FROM event_logs WHERE run_id = $1 AND dagster_event_type IN ('STEP_FAILURE', 'PIPELINE_FAILURE')
ORDER BY id LIMIT 1`
	// A table of ticks is large: of each schedule or sensor one row is read, by the index.
	instigators = `
SELECT instigator.instigator_body, coalesce(extract(epoch FROM tick.timestamp::timestamptz), 0),
       coalesce(tick.status, ''), coalesce(tick.tick_body, '')
FROM instigators instigator LEFT JOIN LATERAL (
  SELECT tick.status, tick.timestamp, tick.tick_body FROM job_ticks tick
  WHERE tick.selector_id = instigator.selector_id ORDER BY tick.timestamp DESC LIMIT 1
) AS tick ON true
WHERE instigator.status IN ('RUNNING', 'DECLARED_IN_CODE', 'AUTOMATICALLY_RUNNING')`
)

// runsEnded are the runs that ended since then.
func runsEnded(ctx context.Context, db *sql.DB, since time.Time) ([]Run, error) {
	return runs(ctx, db, ended, float64(since.UnixMicro())/1e6)
}

// runsOf are the runs with these IDs.
func runsOf(ctx context.Context, db *sql.DB, ids []string) ([]Run, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return runs(ctx, db, chosen, pq.Array(ids))
}

func runs(ctx context.Context, db *sql.DB, query string, value any) ([]Run, error) {
	rows, err := db.QueryContext(ctx, query, value)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Run
	for rows.Next() {
		var run Run
		var end float64
		if err := rows.Scan(&run.ID, &run.Job, &run.Failed, &end, &run.Location, &run.WillRetry, &run.Retry, &run.Retried, &run.Quiet); err != nil {
			return nil, err
		}
		run.End = seconds(end)
		found = append(found, run)
	}
	return found, rows.Err()
}

// whyFailed says in a line why a run failed, "" if its events do not say it.
func whyFailed(ctx context.Context, db *sql.DB, id string) (string, error) {
	var text string
	err := db.QueryRowContext(ctx, failure, id).Scan(&text)
	if err == sql.ErrNoRows {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return explain([]byte(text)), nil
}

// explain reads Dagster's EventLogEntry.
func explain(entry []byte) string {
	var read struct {
		Event struct {
			Step     string `json:"step_key"`
			Message  string `json:"message"`
			Specific struct {
				Error *dagster.ErrorInfo `json:"error"`
			} `json:"event_specific_data"`
		} `json:"dagster_event"`
	}
	if err := json.Unmarshal(entry, &read); err != nil {
		return ""
	}
	event := read.Event
	said := event.Message
	if event.Specific.Error != nil {
		said = event.Specific.Error.Sentence("")
	}
	if event.Step != "" {
		said = fmt.Sprintf("Step %s: %s", event.Step, said)
	}
	return oneLine(said, 400)
}

// instigator is a schedule or sensor that is on, with its last tick.
type instigator struct {
	isSchedule                 bool
	location, repository, name string
	status                     string
	// began is when it was turned on, tick when its last tick was; zero if not known.
	began, tick time.Time
	tickStatus  string
	tickError   string
}

func readInstigators(ctx context.Context, db *sql.DB) ([]instigator, error) {
	rows, err := db.QueryContext(ctx, instigators)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []instigator
	for rows.Next() {
		var body, status, tick string
		var at float64
		if err := rows.Scan(&body, &at, &status, &tick); err != nil {
			return nil, err
		}
		each, err := parseInstigator(body)
		if err != nil {
			return nil, err
		}
		if at > 0 {
			each.tick, each.tickStatus, each.tickError = seconds(at), status, tickError(tick)
		}
		found = append(found, each)
	}
	return found, rows.Err()
}

// parseInstigator reads Dagster's InstigatorState.
func parseInstigator(body string) (instigator, error) {
	var read struct {
		Origin struct {
			Repository struct {
				Location struct {
					Name string `json:"location_name"`
				} `json:"repository_location_origin"`
				Name string `json:"repository_name"`
			} `json:"external_repository_origin"`
			Name string `json:"job_name"`
		} `json:"origin"`
		Type   enum `json:"job_type"`
		Status enum `json:"status"`
		Data   struct {
			Start  float64 `json:"start_timestamp"`
			Sensor float64 `json:"last_sensor_start_timestamp"`
		} `json:"job_specific_data"`
	}
	if err := json.Unmarshal([]byte(body), &read); err != nil {
		return instigator{}, fmt.Errorf("a schedule's state is not JSON: %w", err)
	}
	found := instigator{
		isSchedule: read.Type.Name == "InstigatorType.SCHEDULE",
		location:   read.Origin.Repository.Location.Name,
		repository: read.Origin.Repository.Name,
		name:       read.Origin.Name,
		status:     read.Status.Name,
	}
	if begun := max(read.Data.Start, read.Data.Sensor); begun > 0 {
		found.began = seconds(begun)
	}
	return found, nil
}

type enum struct {
	Name string `json:"__enum__"`
}

// tickError reads Dagster's TickData.
func tickError(body string) string {
	var read struct {
		Error *dagster.ErrorInfo `json:"error"`
	}
	if err := json.Unmarshal([]byte(body), &read); err != nil || read.Error == nil {
		return ""
	}
	return oneLine(read.Error.Sentence(""), 400)
}

func seconds(since1970 float64) time.Time { return time.UnixMicro(int64(since1970 * 1e6)) }
