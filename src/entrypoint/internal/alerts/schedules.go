package alerts

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"dagnix/runtime/internal/dagster"
	"dagnix/runtime/internal/runserver"
)

// definition is a schedule or sensor as the code defines it.
type definition struct {
	// isOn tells that it is on unless somebody has turned it off.
	isOn bool
	// times are a schedule's; none for a sensor, and for what is not understood.
	times []cron.Schedule
}

// definitions are the schedules and sensors of code locations. They are read again only when a location serves
// other code; what is not served just now keeps what it had.
type definitions map[string]*served

type served struct {
	// socket is that of the code server, which is another one for each load of the code.
	socket string
	byName map[string]definition // by repository, kind and name
}

func (i instigator) key() string {
	return fmt.Sprintf("%s %t %s", i.repository, i.isSchedule, i.name)
}

// defined returns what the code says of a schedule or sensor that is on; false if it is off, not there,
// or its location has not been served yet.
func (d definitions) defined(each instigator) (definition, bool) {
	location := d[each.location]
	if location == nil {
		return definition{}, false
	}
	found, known := location.byName[each.key()]
	return found, known && (found.isOn || each.status == "InstigatorStatus.RUNNING")
}

// refresh reads the definitions of a code location that are not known yet.
func (d definitions) refresh(ctx context.Context, location string) error {
	link := filepath.Join(runserver.Folder(), location, "code.sock")
	socket, err := os.Readlink(link)
	if err != nil || (d[location] != nil && d[location].socket == socket) {
		return err
	}
	found := map[string]definition{}
	reply, err := dagster.ListRepositories(ctx, link)
	if err != nil {
		return err
	}
	for _, repository := range dagster.RepositoryNames(reply) {
		snapshot, err := dagster.Repository(ctx, link, location, repository)
		if err != nil {
			return err
		}
		if err := parseDefinitions(snapshot, repository, found); err != nil {
			return err
		}
	}
	d[location] = &served{socket, found}
	return nil
}

// parseDefinitions reads Dagster's RepositorySnap.
func parseDefinitions(snapshot []byte, repository string, found map[string]definition) error {
	type defined struct {
		Name    string          `json:"name"`
		Cron    json.RawMessage `json:"cron_schedule"`
		Zone    string          `json:"execution_timezone"`
		Default enum            `json:"default_status"`
	}
	var read struct {
		Schedules []defined `json:"external_schedule_datas"`
		Sensors   []defined `json:"external_sensor_datas"`
	}
	if err := json.Unmarshal(snapshot, &read); err != nil {
		return fmt.Errorf("the definitions are not JSON: %w", err)
	}
	for _, each := range read.Schedules {
		var lines []string
		if one := ""; json.Unmarshal(each.Cron, &one) == nil {
			lines = []string{one}
		} else if err := json.Unmarshal(each.Cron, &lines); err != nil {
			return fmt.Errorf("the times of the schedule %s are unknown: %w", each.Name, err)
		}
		key := instigator{isSchedule: true, repository: repository, name: each.Name}.key()
		found[key] = definition{each.Default.Name == "DefaultScheduleStatus.RUNNING", parseTimes(lines, each.Zone)}
	}
	for _, each := range read.Sensors {
		key := instigator{repository: repository, name: each.Name}.key()
		found[key] = definition{isOn: each.Default.Name == "DefaultSensorStatus.RUNNING"}
	}
	return nil
}

// parseTimes reads lines of cron in a time zone; "" is UTC, as in Dagster. Dagster's croniter knows more
// than cron(8): if one of the lines has such a thing, nothing is returned.
func parseTimes(lines []string, zone string) []cron.Schedule {
	var found []cron.Schedule
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) == 5 { // Sunday is 7 as well
			days := strings.Split(fields[4], ",")
			for at, day := range days {
				if day == "7" {
					days[at] = "0"
				}
			}
			fields[4] = strings.Join(days, ",")
		}
		times, err := cron.ParseStandard("CRON_TZ=" + or(zone, "UTC") + " " + strings.Join(fields, " "))
		if err != nil {
			return nil
		}
		found = append(found, times)
	}
	return found
}

// due is the first time after a moment at which a schedule is to tick; zero if there is none.
func (d definition) due(after time.Time) time.Time {
	var first time.Time
	for _, times := range d.times {
		next := times.Next(after)
		if !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	return first
}

// missed are the schedules whose tick is later than that, of locations whose definitions are known.
func (d definitions) missed(found []instigator, late time.Duration, now time.Time) []Finding {
	var findings []Finding
	for _, each := range found {
		defined, isOn := d.defined(each)
		after := each.tick
		if each.began.After(after) {
			after = each.began
		}
		due := defined.due(after)
		if !isOn || after.IsZero() || due.IsZero() || now.Sub(due) < late {
			continue
		}
		findings = append(findings, Finding{
			Kind: KindSchedule, Subject: each.name + "@" + each.location,
			Title: fmt.Sprintf("The schedule %s missed its tick", each.name),
			Well:  fmt.Sprintf("The schedule %s ticks again", each.name),
			Text:  "The tick was due at " + due.UTC().Format("2006-01-02 15:04:05 MST"),
		})
	}
	return findings
}

// failing are the schedules and sensors whose last tick failed.
func (d definitions) failing(found []instigator) []Finding {
	var findings []Finding
	for _, each := range found {
		if _, isOn := d.defined(each); !isOn || each.tickStatus != "FAILURE" {
			continue
		}
		kind := "sensor"
		if each.isSchedule {
			kind = "schedule"
		}
		findings = append(findings, Finding{
			Kind: KindTick, Subject: each.name + "@" + each.location,
			Title: fmt.Sprintf("The tick of the %s %s failed", kind, each.name),
			Well:  fmt.Sprintf("The ticks of the %s %s succeed again", kind, each.name),
			Text:  each.tickError,
		})
	}
	return findings
}
