package alerts

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Finding is something that is wrong now.
type Finding struct {
	Kind, Subject string
	// Title says what is wrong in one line, Well what is told when it is over. Both are sentences
	// without a full stop.
	Title, Well string
	Text        string
}

func (f Finding) key() string { return f.Kind + " " + f.Subject }

// Condition is what was wrong at the last look, or is not well for long enough yet.
type Condition struct {
	Finding Finding
	// Source is the name of what found it.
	Source string
	// Since is when it began. WellSince is when it was first found to be over; zero while it is not.
	Since, WellSince time.Time
	// Told is when it was told last; zero if not at all.
	Told time.Time
}

// Conditions turns what is wrong at each look into alerts.
//
// What goes away within After was never told. What was told counts as over only after it has been well
// for as long, so that what comes and goes is told once. What lasts is told anew after Again.
type Conditions struct {
	After, Again time.Duration
	ByKey        map[string]*Condition
}

// Update takes all that a source has found, and returns what is to be told.
func (c *Conditions) Update(source string, findings []Finding, now time.Time) []Alert {
	if c.ByKey == nil {
		c.ByKey = map[string]*Condition{}
	}
	seen := map[string]bool{}
	var told []Alert
	for _, finding := range findings {
		key := finding.key()
		seen[key] = true
		known := c.ByKey[key]
		if known == nil {
			known = &Condition{Source: source, Since: now}
			c.ByKey[key] = known
		}
		known.Finding, known.WellSince = finding, time.Time{}
		first := known.Told.IsZero() && now.Sub(known.Since) >= c.After
		reminder := !known.Told.IsZero() && c.Again > 0 && now.Sub(known.Told) >= c.Again
		if first || reminder {
			known.Told = now
			told = append(told, known.alert(Failing, finding.Title, finding.Text, now))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.ByKey)) {
		known := c.ByKey[key]
		if known.Source != source || seen[key] {
			continue
		}
		if known.WellSince.IsZero() {
			known.WellSince = now
		}
		switch {
		case known.Told.IsZero():
			delete(c.ByKey, key)
		case now.Sub(known.WellSince) >= c.After:
			delete(c.ByKey, key)
			text := fmt.Sprintf("It lasted %s.", known.WellSince.Sub(known.Since).Round(time.Second))
			told = append(told, known.alert(Well, known.Finding.Well, text, now))
		}
	}
	return told
}

func (c *Condition) alert(state, title, text string, now time.Time) Alert {
	return Alert{
		Kind: c.Finding.Kind, Subject: c.Finding.Subject, State: state,
		Title: title, Text: text, Since: c.Since, Time: now,
	}
}
