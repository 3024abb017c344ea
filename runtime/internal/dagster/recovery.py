"""Ask a second later, not ten, for a code location that could not be reached.

When a stack starts, a code server may be asked what it serves a moment before it listens. If it
does so by the first look of the thread that watches it, within a second, that thread has seen no
change, and only its look for such errors, each ten seconds, helps (Dagster 1.13). That look is at
what is known here: it costs nothing while all locations are loaded.
"""

from dagster._grpc import server_watcher

server_watcher.ERROR_RECOVERY_INTERVAL = 1
