package database

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"time"
)

const (
	// pause between two attempts.
	pause = 200 * time.Millisecond
	// grace for refusals: while a changed secret reaches the services, the old Postgres may answer.
	grace = 5 * time.Second
)

// Wait connects and authenticates until that succeeds once, for at most limit; a server that answers
// and refuses gets only a short grace. It says so on log when it starts and when it is done. The
// handle that it returns has that connection: a second one might fail again, while names are not known.
func (c *Config) Wait(ctx context.Context, limit time.Duration, log io.Writer) (*sql.DB, error) {
	fmt.Fprintf(log, "runtime: waiting for Postgres at %s, database %s, role %s (at most %.0f s)\n",
		c.Address(), c.Database, c.User, limit.Seconds())
	pool, err := Open(c.Config)
	if err != nil {
		return nil, err
	}
	if err := c.wait(ctx, pool, limit, log); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func (c *Config) wait(ctx context.Context, pool *sql.DB, limit time.Duration, log io.Writer) error {
	began := time.Now()
	var refused time.Time
	for {
		err := pool.PingContext(ctx)
		if err == nil {
			fmt.Fprintf(log, "runtime: connected to Postgres at %s after %.1f s\n", c.Address(), time.Since(began).Seconds())
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case !lasting(err):
			refused = time.Time{}
		case refused.IsZero():
			refused = time.Now()
		case time.Since(refused) >= grace:
			return c.Explain(err)
		}
		if time.Since(began)+pause > limit {
			return fmt.Errorf("%w (waited %.0f s, see DAGNIX_WAIT_SECONDS)", c.Explain(err), limit.Seconds())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
