package alerts

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// assetJob is Dagster's name of the job that runs have which only materialize assets.
	assetJob = "__ASSET_JOB"
	// lookBack is how much older a run may be than those that were seen, as what is written while a
	// query runs is seen by the next one only.
	lookBack = time.Minute
	// tagWait is how long a failure may be without the tag that says whether it is retried.
	tagWait = 5 * time.Second
	// retryWait is how long a retry may take until it is there, as in dagster_dagnix.server.retries.
	retryWait = 7 * time.Hour
	// perJob is how often a job is told of at most: failures meanwhile are told together.
	perJob = 15 * time.Minute
)

// Run is one that has ended, in success or failure.
type Run struct {
	ID, Job, Location string
	Failed            bool
	End               time.Time
	// WillRetry is Dagster's tag: true, false, or "" if it is not there.
	WillRetry string
	// Retry is the number of the retry that this run is, "" if it is none.
	Retry string
	// Retried tells that a retry is there, Quiet that the job's tag dagnix/alert is off.
	Retried, Quiet bool
}

func (r Run) job() string { return r.Job + "@" + r.Location }

// name is the job's for people.
func (r Run) name() string {
	if r.Job == assetJob {
		return "assets in " + r.Location
	}
	return r.Job
}

// Runs turns runs that have ended into alerts, and is all that has to be kept of that.
type Runs struct {
	// Cursor is the end of the last look; zero before the first.
	Cursor time.Time
	// Seen are the IDs of runs that may be found again, and their ends.
	Seen map[string]time.Time
	// Waiting are failures whose retry is not there yet, by ID.
	Waiting map[string]Run
	// Jobs are those that fail, by name and location.
	Jobs map[string]*FailingJob
}

// FailingJob is a job whose failure was told, or is to be.
type FailingJob struct {
	Last  Run
	Since time.Time
	// Told is when it was told last; More are the failures since.
	Told time.Time
	More int
	// Succeeded is when it succeeded since the last failure; zero if it did not.
	Succeeded time.Time
}

// Since is from when on runs are to be looked for.
func (r *Runs) Since(now time.Time) time.Time {
	if r.Cursor.IsZero() {
		r.Cursor = now
	}
	return r.Cursor.Add(-lookBack)
}

// Take takes the runs that have ended since then, oldest first, and those that were waiting, as they
// are now.
func (r *Runs) Take(ended, waited []Run, now time.Time) {
	if r.Seen == nil {
		r.Seen, r.Waiting, r.Jobs = map[string]time.Time{}, map[string]Run{}, map[string]*FailingJob{}
	}
	for _, run := range ended {
		if _, seen := r.Seen[run.ID]; seen || (run.Failed && run.WillRetry == "" && now.Sub(run.End) < tagWait) {
			continue
		}
		r.Seen[run.ID] = run.End
		if run.Quiet {
			continue
		}
		if run.Failed && run.WillRetry == "true" && !run.Retried {
			r.Waiting[run.ID] = run
		} else if !run.Retried {
			r.ended(run, now)
		}
	}
	there := map[string]bool{}
	for _, run := range waited {
		there[run.ID] = true
		switch {
		case run.Retried:
			delete(r.Waiting, run.ID)
		case run.WillRetry == "false", now.Sub(run.End) > retryWait:
			delete(r.Waiting, run.ID)
			r.ended(run, now)
		}
	}
	for id := range r.Waiting { // those that were deleted
		if _, isNew := r.Seen[id]; !there[id] && !isNew {
			delete(r.Waiting, id)
		}
	}
	r.Cursor = now
	maps.DeleteFunc(r.Seen, func(_ string, end time.Time) bool { return now.Sub(end) > 2*lookBack })
}

func (r *Runs) ended(run Run, now time.Time) {
	known := r.Jobs[run.job()]
	switch {
	case run.Failed && known == nil:
		r.Jobs[run.job()] = &FailingJob{Last: run, Since: run.End, More: 1}
	case run.Failed:
		known.Last, known.Succeeded = run, time.Time{}
		known.More++
	case known != nil && known.Succeeded.IsZero() && run.End.After(known.Last.End):
		known.Succeeded = now
	}
}

// Due returns what is to be told now. What failed counts as well after a success that no failure has
// followed for so long.
func (r *Runs) Due(now time.Time, after time.Duration) []Told {
	var told []Told
	for _, key := range slices.Sorted(maps.Keys(r.Jobs)) {
		job := r.Jobs[key]
		if job.More > 0 && (job.Told.IsZero() || now.Sub(job.Told) >= perJob) {
			told = append(told, Told{job.failure(now), job.Last.ID})
			job.Told, job.More = now, 0
		}
		if job.More == 0 && !job.Succeeded.IsZero() && now.Sub(job.Succeeded) >= after {
			told = append(told, Told{Alert: job.alert(Well, fmt.Sprintf("%s succeeded again", capital(job.Last.name())), "", now)})
			delete(r.Jobs, key)
		}
	}
	return told
}

// Told is an alert, and the run that it is about: "" for none.
type Told struct {
	Alert Alert
	RunID string
}

func (j *FailingJob) failure(now time.Time) Alert {
	title := fmt.Sprintf("A run of %s failed", j.Last.name())
	switch {
	case j.More > 1:
		title = fmt.Sprintf("%d runs of %s failed", j.More, j.Last.name())
	case j.Last.Retry != "":
		title = fmt.Sprintf("A run of %s failed, and its last retry, number %s, too", j.Last.name(), j.Last.Retry)
	case j.Last.WillRetry == "true":
		title = fmt.Sprintf("A run of %s failed, and the retry that was due was not made", j.Last.name())
	}
	return j.alert(Failing, title, "Run "+j.Last.ID, now)
}

func (j *FailingJob) alert(state, title, text string, now time.Time) Alert {
	return Alert{Kind: KindRun, Subject: j.Last.job(), State: state, Title: title, Text: text, Since: j.Since, Time: now}
}

func capital(text string) string {
	if text == "" {
		return text
	}
	if text[0] == 'a' && len(text) > 7 && text[:7] == "assets " {
		return "A" + text[1:]
	}
	return text
}
