"""Who may use the dashboard, and the files that only containers may read."""
