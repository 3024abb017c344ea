package alerts

import (
	"fmt"
	"testing"
	"time"
)

const snapshot = `{"__class__": "ExternalRepositoryData", "name": "__repository__", "external_schedule_datas": [
 {"name": "nightly", "cron_schedule": "0 2 * * *", "execution_timezone": "Europe/Berlin", "default_status": {"__enum__": "DefaultScheduleStatus.RUNNING"}},
 {"name": "often", "cron_schedule": ["0 * * * *", "30 * * * *"], "execution_timezone": null},
 {"name": "odd", "cron_schedule": "0 2 L * *"}],
 "external_sensor_datas": [{"name": "watcher", "default_status": {"__enum__": "DefaultSensorStatus.RUNNING"}}]}`

func known3(t *testing.T) definitions {
	t.Helper()
	found := map[string]definition{}
	if err := parseDefinitions([]byte(snapshot), "__repository__", found); err != nil {
		t.Fatal(err)
	}
	return definitions{"pipes": {"code-1", found}}
}

func state2(kind, name, status string, start float64) string {
	return fmt.Sprintf(`{"__class__": "InstigatorState", "job_specific_data": {"start_timestamp": %f},
 "job_type": {"__enum__": "InstigatorType.%s"}, "origin": {"external_repository_origin": {
 "repository_location_origin": {"location_name": "pipes"}, "repository_name": "__repository__"},
 "job_name": "%s"}, "status": {"__enum__": "InstigatorStatus.%s"}}`, start, kind, name, status)
}

func TestMissedTicks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	two := time.Date(2026, 11, 29, 2, 0, 0, 0, berlin)
	for name, test := range map[string]struct {
		schedule, status string
		began, tick, now time.Time
		want             bool
	}{
		"just ticked":                   {"nightly", "RUNNING", two.AddDate(0, 0, -9), two, two.Add(time.Hour), false},
		"due, and not late yet":         {"nightly", "RUNNING", two.AddDate(0, 0, -9), two.AddDate(0, 0, -1), two.Add(4 * time.Minute), false},
		"late":                          {"nightly", "RUNNING", two.AddDate(0, 0, -9), two.AddDate(0, 0, -1), two.Add(5 * time.Minute), true},
		"never ticked, late":            {"nightly", "RUNNING", two.Add(-time.Minute), time.Time{}, two.Add(5 * time.Minute), true},
		"never ticked, not due":         {"nightly", "RUNNING", two.Add(time.Minute), time.Time{}, two.Add(time.Hour), false},
		"turned on again":               {"nightly", "RUNNING", two.Add(time.Minute), two.AddDate(0, 0, -9), two.Add(time.Hour), false},
		"on by its code":                {"nightly", "DECLARED_IN_CODE", two.AddDate(0, 0, -9), two.AddDate(0, 0, -1), two.Add(time.Hour), true},
		"no more on by its code":        {"often", "DECLARED_IN_CODE", two.AddDate(0, 0, -9), two.AddDate(0, 0, -1), two.Add(time.Hour), false},
		"the second of two lines":       {"often", "RUNNING", two.AddDate(0, 0, -9), two, two.Add(35 * time.Minute), true},
		"times that nobody understands": {"odd", "RUNNING", two.AddDate(0, 0, -9), two.AddDate(0, 0, -9), two, false},
		"not in the code any more":      {"gone", "RUNNING", two.AddDate(0, 0, -9), two.AddDate(0, 0, -9), two, false},
	} {
		each, err := parseInstigator(state2("SCHEDULE", test.schedule, test.status, float64(test.began.Unix())))
		if err != nil {
			t.Fatal(err)
		}
		each.tick = test.tick
		found := known3(t).missed([]instigator{each}, 5*time.Minute, test.now)
		if (len(found) == 1) != test.want {
			t.Errorf("%s: found %v", name, found)
		}
		if len(found) == 1 && found[0].Title != "The schedule "+test.schedule+" missed its tick" {
			t.Errorf("%s: %s", name, found[0].Title)
		}
	}
	if found := (definitions{}).missed([]instigator{{isSchedule: true, name: "nightly", location: "pipes"}}, 0, two); len(found) > 0 {
		t.Errorf("of a location that is not known: %v", found)
	}
}

func TestSundayHasTwoNumbers(t *testing.T) {
	saturday := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	times := parseTimes([]string{"0 6 * * 5,7"}, "")
	if due := (definition{times: times}).due(saturday); !due.Equal(saturday.Add(30 * time.Hour)) {
		t.Errorf("due at %v", due)
	}
}

func TestTicksThatFail(t *testing.T) {
	each, err := parseInstigator(state2("SENSOR", "watcher", "DECLARED_IN_CODE", 0))
	if err != nil {
		t.Fatal(err)
	}
	each.tickStatus = "FAILURE"
	each.tickError = tickError(`{"error": {"message": "ValueError: no\n", "cls_name": "ValueError", "stack": []}}`)
	found := known3(t).failing([]instigator{each})
	if len(found) != 1 || found[0].Title != "The tick of the sensor watcher failed" || found[0].Text != "ValueError: no" {
		t.Errorf("found %v", found)
	}
	each.name = "gone"
	if found := known3(t).failing([]instigator{each}); len(found) > 0 {
		t.Errorf("of one that is gone: %v", found)
	}
}
