package alerts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"go.yaml.in/yaml/v3"

	"dagnix/runtime/internal/codeserver"
	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/database"
	"dagnix/runtime/internal/health"
	"dagnix/runtime/internal/report"
	"dagnix/runtime/internal/runserver"
)

// source looks at a part of the instance and returns what is wrong there. After an error nothing is
// known: what was wrong before stays as it was.
type source struct {
	name string
	look func(context.Context) ([]Finding, error)
}

// errUnknown stands for what cannot be looked at because something else is down, which is told.
var errUnknown = errors.New("not known")

// sources are all of them. Postgres comes first: the others ask it.
func (w *Watcher) sources() []source {
	found := []source{
		{"postgres", w.postgres},
		{"daemon", w.daemon},
		{"webserver", w.webserver},
		{"gate", w.gate},
		{"locations", w.locations},
		{"queue", w.queue},
		{"ticks", w.ticks},
		{"notices", func(context.Context) ([]Finding, error) { return readNotices() }},
	}
	if w.settings.Backups {
		found = append(found, source{"backup", w.backup})
	}
	return append(found, source{"disks", w.disks}) // after the service backup has told of its own
}

// down is a service that is down.
func down(service, why string) Finding {
	return Finding{
		Kind: KindService, Subject: service, Text: why,
		Title: fmt.Sprintf("The service %s is down", service),
		Well:  fmt.Sprintf("The service %s is up again", service),
	}
}

// judged returns what is wrong with a service: that it is down, or restarts again and again, if it does.
func (w *Watcher) judged(service string, started start, problem error) []Finding {
	ends := w.restarts.see(service, started, w.now())
	switch {
	case ends >= loopEnds:
		found := down(service, fmt.Sprintf("It was started %d times in the last %.0f minutes.", ends, loopWindow.Minutes()))
		found.Title = fmt.Sprintf("The service %s restarts again and again", service)
		if problem != nil {
			found.Text += " Now: " + oneLine(problem.Error(), 300)
		}
		return []Finding{found}
	case problem != nil:
		return []Finding{down(service, oneLine(problem.Error(), 300))}
	}
	return nil
}

func (w *Watcher) postgres(ctx context.Context) ([]Finding, error) {
	w.db = nil
	config, err := database.FromEnvironment("DAGSTER_PG")
	if err != nil {
		return nil, err
	}
	if config == nil {
		return nil, errors.New("DAGSTER_PG_HOST is not set")
	}
	db, err := database.Open(config.Config)
	if err != nil {
		return nil, err
	}
	// A connection is opened for each look: kept, it would cost Postgres more memory than that time.
	db.SetMaxOpenConns(1)
	var started string
	err = db.QueryRowContext(ctx, "SELECT pg_postmaster_start_time()::text").Scan(&started)
	if err != nil {
		db.Close()
		return w.judged("postgres", start{}, config.Explain(err)), nil
	}
	w.db = db
	return w.judged("postgres", start{process: started}, nil), nil
}

// tables returns the database, if Dagster's tables are there.
func (w *Watcher) tables() (*sql.DB, error) {
	if w.db == nil {
		return nil, errUnknown
	}
	return w.db, nil
}

// known turns the error of a query into errUnknown if Dagster has no tables yet.
func known(err error) error {
	if refusal := pq.As(err, pqerror.UndefinedTable); refusal != nil {
		return errUnknown
	}
	return err
}

func (w *Watcher) daemon(ctx context.Context) ([]Finding, error) {
	db, err := w.tables()
	if err != nil {
		return nil, err
	}
	required, err := dagster.RequiredDaemons(filepath.Join(os.Getenv("DAGSTER_HOME"), "dagster.yaml"))
	if err != nil {
		return nil, err
	}
	heartbeats, err := health.Heartbeats(ctx, db)
	if err != nil {
		return nil, known(err)
	}
	_, problem := dagster.DaemonHealth(required, heartbeats, time.Time{}, w.now())
	return w.judged("daemon", start{process: dagster.LatestID(heartbeats)}, problem), nil
}

func (w *Watcher) webserver(ctx context.Context) ([]Finding, error) {
	problem := health.Webserver(ctx, os.Getenv("DAGSTER_WEBSERVER_PATH_PREFIX"))
	return w.judged("webserver", start{process: report.Start(health.WebserverSocket())}, problem), nil
}

// gate asks it at the socket of its health.
func (w *Watcher) gate(ctx context.Context) ([]Finding, error) {
	socket := filepath.Join(runserver.Folder(), "gate", "report.sock")
	var said struct {
		Problem string `json:"problem"`
	}
	problem := report.Ask(ctx, socket, &said)
	if problem != nil {
		problem = fmt.Errorf("it does not answer: %w", problem)
	} else if said.Problem != "" {
		problem = errors.New(said.Problem)
	}
	return w.judged("gate", start{process: report.Start(socket)}, problem), nil
}

func (w *Watcher) backup(ctx context.Context) ([]Finding, error) {
	socket := health.BackupSocket()
	var said health.BackupReport
	w.low = nil
	if err := report.Ask(ctx, socket, &said); err != nil {
		return w.judged("backup", start{process: report.Start(socket)}, fmt.Errorf("it does not answer: %w", err)), nil
	}
	w.low = said.Low
	found := w.judged("backup", start{process: report.Start(socket)}, nil)
	if said.Problem != "" {
		found = append(found, Finding{
			Kind: KindBackup, Subject: "backup", Text: oneLine(said.Problem, 300),
			Title: "There is no backup in time", Well: "Backups are made again",
		})
	}
	return found, nil
}

func (w *Watcher) queue(ctx context.Context) ([]Finding, error) {
	db, err := w.tables()
	if err != nil {
		return nil, err
	}
	var runs int
	var age float64
	if err := db.QueryRowContext(ctx, queue).Scan(&runs, &age); err != nil {
		return nil, known(err)
	}
	return waiting(runs, time.Duration(age*float64(time.Second)), w.settings.Queue), nil
}

// waiting tells of a queue whose oldest run has waited for longer than the limit; 0 is no limit.
func waiting(runs int, oldest, limit time.Duration) []Finding {
	if limit == 0 || runs == 0 || oldest < limit {
		return nil
	}
	return []Finding{{
		Kind: KindQueue, Subject: "queue",
		Title: fmt.Sprintf("Runs wait in the queue for more than %s", limit),
		Well:  "The queue moves again",
		Text:  fmt.Sprintf("%d runs are in the queue, the oldest for %s.", runs, oldest.Round(time.Second)),
	}}
}

func (w *Watcher) ticks(ctx context.Context) ([]Finding, error) {
	db, err := w.tables()
	if err != nil {
		return nil, err
	}
	for _, location := range locations() {
		// One that is down is told by the source of locations.
		_ = w.definitions.refresh(ctx, location)
	}
	found, err := readInstigators(ctx, db)
	if err != nil {
		return nil, known(err)
	}
	findings := w.definitions.failing(found)
	if w.settings.Late > 0 {
		findings = append(findings, w.definitions.missed(found, w.settings.Late, w.now())...)
	}
	return findings, nil
}

func (w *Watcher) disks(context.Context) ([]Finding, error) {
	// Its own volume, that of the sockets, and what the service backup sees.
	low, err := health.Low(map[string]string{"volumes": w.settings.State, "sockets": runserver.Folder()})
	if err != nil {
		return nil, err
	}
	maps.Copy(low, w.low)
	var findings []Finding
	// The same disk is seen under several names.
	by := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(low)) {
		by[low[name]] = append(by[low[name]], name)
	}
	for _, says := range slices.Sorted(maps.Keys(by)) {
		names := strings.Join(by[says], ", ")
		findings = append(findings, Finding{
			Kind: KindDisk, Subject: by[says][0],
			Title: fmt.Sprintf("A disk is almost full: that of %s", names),
			Well:  fmt.Sprintf("The disk of %s has room again", names),
			Text:  says + ".",
		})
	}
	return findings, nil
}

func (w *Watcher) locations(ctx context.Context) ([]Finding, error) {
	var findings []Finding
	for _, location := range locations() {
		findings = append(findings, w.location(ctx, location)...)
	}
	return findings, nil
}

func (w *Watcher) location(ctx context.Context, location string) []Finding {
	state, process, err := runserver.AskServing(ctx, location)
	findings := w.judged(location, start{state.Host, process}, err)
	if err != nil || len(findings) > 0 {
		return findings
	}
	unloaded := codeserver.LoadError(state.Code.Error)
	switch {
	case unloaded != nil && (state.Code.Lazy || !state.Code.Ready):
		return []Finding{{
			Kind: KindLocation, Subject: location, Text: oneLine(unloaded.Error(), 400),
			Title: fmt.Sprintf("The code location %s does not load", location),
			Well:  fmt.Sprintf("The code location %s loads again", location),
		}}
	case unloaded != nil:
		return []Finding{{
			Kind: KindDeploy, Subject: location, Text: oneLine(unloaded.Error(), 400) + ". What was served before goes on.",
			Title: fmt.Sprintf("New code of %s was refused", location),
			Well:  fmt.Sprintf("The code of %s is what was saved last", location),
		}}
	}
	return nil
}

// locations are the names of the code locations, from Dagster's workspace.yaml.
func locations() []string {
	text, err := os.ReadFile(filepath.Join(runserver.Folder(), "workspace.yaml"))
	if err != nil {
		return nil
	}
	var workspace struct {
		LoadFrom []struct {
			Server struct {
				Name string `yaml:"location_name"`
			} `yaml:"grpc_server"`
		} `yaml:"load_from"`
	}
	if yaml.Unmarshal(text, &workspace) != nil {
		return nil
	}
	var names []string
	for _, each := range workspace.LoadFrom {
		if each.Server.Name != "" {
			names = append(names, each.Server.Name)
		}
	}
	return names
}
