package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"dagnix/runtime/internal/alerts"
)

// followAlerts watches the instance, until a signal ends it.
func followAlerts(ctx context.Context, stderr io.Writer) int {
	settings, err := alerts.SettingsFromEnvironment()
	if err != nil {
		return report(ctx, err, stderr)
	}
	alerts.NewWatcher(settings, stderr).Follow(ctx)
	return 0
}

// testAlerts sends an alert to each channel, and tells how that went.
func testAlerts(ctx context.Context, stdout, stderr io.Writer) int {
	settings, err := alerts.SettingsFromEnvironment()
	if err != nil {
		return report(ctx, err, stderr)
	}
	said, err := alerts.Test(ctx, settings.Instance)
	if said != "" {
		fmt.Fprintln(stdout, said)
	}
	if err != nil {
		return report(ctx, err, stderr)
	}
	return 0
}

func checkAlerts(context.Context) (string, error) { return alerts.Check(time.Now()) }
