"""The picture of the dashboard: `python docs/_site/screenshot.py`, while a stack runs.

Runs the job `example`, and writes docs/dashboard.png. DAGNIX_PORT is the dashboard's port.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from support.browser import Browser  # noqa: E402 - needs the path
from support.dashboard import Dashboard  # noqa: E402

PORT = int(os.environ.get("DAGNIX_PORT", "3000"))
PAGE = "/asset-groups"
WIDTH, HEIGHT = 1280, 720
# The graph is drawn when its nodes have stopped moving.
DRAWN_SECONDS = 15


def main() -> None:
    """Run the example, and take the picture."""
    run_id, status = Dashboard(PORT).run("example")
    print(f"run {run_id}: {status.value}")
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(Path(folder))
        try:
            browser.resize(WIDTH, HEIGHT)
            browser.open(f"http://localhost:{PORT}{PAGE}")
            browser.wait_for("document.body.innerText.includes('daily_weather')")
            time.sleep(DRAWN_SECONDS)
            picture = browser.picture()
        finally:
            browser.close()
    (ROOT / "docs" / "dashboard.png").write_bytes(picture)


if __name__ == "__main__":
    main()
