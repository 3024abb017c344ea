"""Code locations beside the first one: added, started, removed."""
