// Package alerts watches an instance from outside Dagster, and tells people when something is wrong and
// when it is well again. It keeps working while the daemon, the webserver or Postgres is down.
package alerts

import (
	"fmt"
	"strings"
	"time"
)

// Kinds of what is told; DAGNIX_ALERT_OFF leaves some out.
const (
	KindRun      = "run"      // a run failed, and no retry follows
	KindQueue    = "queue"    // the oldest run in the queue waits for too long
	KindService  = "service"  // a service is down, or restarts again and again
	KindLocation = "location" // the code of a code location does not load
	KindSchedule = "schedule" // a schedule missed its tick
	KindTick     = "tick"     // the last tick of a schedule or sensor failed
	KindDisk     = "disk"     // a disk is almost full
	KindBackup   = "backup"   // a backup failed, or is late
	KindDeploy   = "deploy"   // new code was refused
	KindUpdates  = "updates"  // security updates wait
	KindTest     = "test"     // what `./dagnix alerts test` sends
)

// Kinds are all that can be left out.
var Kinds = []string{KindRun, KindQueue, KindService, KindLocation, KindSchedule, KindTick, KindDisk, KindBackup, KindDeploy, KindUpdates}

// States of what is told.
const (
	Failing = "failing"
	Well    = "well"
)

// Alert is one message, as the plain JSON webhook and the command get it.
type Alert struct {
	// Instance is its name (COMPOSE_PROJECT_NAME).
	Instance string `json:"instance"`
	Kind     string `json:"kind"`
	// Subject is which of the kind: a service, job, code location, schedule, sensor or disk.
	Subject string `json:"subject"`
	// State is Failing or Well. Both messages about one thing have the same Kind and Subject.
	State string `json:"state"`
	// Title is one line, Text more about it, perhaps nothing.
	Title string `json:"title"`
	Text  string `json:"text"`
	// Since is when it began, Time when it was told.
	Since time.Time `json:"since"`
	Time  time.Time `json:"time"`
	// Link leads to the dashboard, if DAGNIX_ALERT_LINK says where that is.
	Link string `json:"link,omitempty"`
}

// headline is the title with the instance's name before it.
func (a Alert) headline() string { return fmt.Sprintf("[%s] %s", a.Instance, a.Title) }

// details are the text, when it began, and the link: a line each.
func (a Alert) details() string {
	lines := []string{}
	if a.Text != "" {
		lines = append(lines, a.Text)
	}
	lines = append(lines, "Since "+a.Since.UTC().Format("2006-01-02 15:04:05 MST"))
	if a.Link != "" {
		lines = append(lines, a.Link)
	}
	return strings.Join(lines, "\n")
}

// oneLine folds line breaks, and cuts what has more than so many characters.
func oneLine(text string, most int) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > most {
		line = append(line[:most-1], '…')
	}
	return string(line)
}
