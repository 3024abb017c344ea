"""What Prometheus, the real one, reads of the stack through the gate."""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families
from support.command import wait_until
from support.markdown import Page
from support.prometheus import prometheus
from support.stack import ROOT, Stack

PAGE = Page(Path("docs/howto/metrics.md"))
TOKEN = "./dagnix auth metrics > metrics-token"
SETTINGS = """
scrape_configs:
  - job_name: dagnix
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
    authorization: {{credentials_file: metrics-token}}
"""


def expressions() -> list[str]:
    """The expressions of the board and of the page's alerts."""
    board = json.loads((ROOT / "docs/reference/grafana.json").read_text())
    of_board = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    of_board += [each["expr"] for each in board["annotations"]["list"]]
    alerts = PAGE.text.partition("Alerts that")[2].partition("## ")[0]
    return of_board + re.findall(r"^\| `([^`]+)` \|", alerts, re.MULTILINE)


def documented() -> set[str]:
    """The names in the page's table."""
    table = PAGE.text.partition("| metric |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def read(stack: Stack, token: str = "") -> str:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(f"{stack.url}/metrics", headers=headers)) as answer:  # noqa: S310 - HTTP
        return answer.read().decode()


def status(do: Callable[[], object]) -> int:
    try:
        do()
    except HTTPError as error:
        return error.code
    return HTTPStatus.OK


@PAGE.run_by(TOKEN)
def test_prometheus_reads_the_stack(stack: Stack, tmp_path: Path) -> None:
    families = {
        f"{each.name}_total" if each.type == "counter" else each.name: each
        for each in text_string_to_metric_families(read(stack))
    }
    failed = [
        sample.labels
        for sample in families["dagster_exporter_last_scrape_success"].samples
        if not sample.value
    ]
    assert not failed, stack.dagnix("logs", "webserver", "--tail", "40").stdout
    assert {name for name in families if not name.startswith("process_")} == documented()
    (deployed,) = families["dagnix_deployed_info"].samples
    digest = stack.podman.inspect(stack.container("pipes"))["ImageDigest"]
    assert (deployed.labels["location"], deployed.labels["digest"]) == ("pipes", digest)
    roles = {each.labels["role"] for each in families["dagnix_postgres_connections"].samples}
    assert {"dagster", "dagster_pipes"} & roles
    stack.dagnix("auth", "add", "anna", "--role", "viewer", stdin="correct horse battery")
    try:
        words, _, file = PAGE.typed(TOKEN, {}).partition(" > ")
        token = stack.dagnix(*words.split()[1:]).stdout
        (tmp_path / file).write_text(token)
        assert status(lambda: read(stack)) == HTTPStatus.UNAUTHORIZED
        assert read(stack, token.strip())
        with prometheus(tmp_path, SETTINGS.format(port=stack.port)) as server:
            wait_until(lambda: server.values("up") == [1], "Prometheus reads the page")
            for expression in expressions():
                server.ask("query", query=expression)
            used = set(re.findall(r"\bdag(?:ster|nix)_\w+", "\n".join(expressions())))
            known = set(server.ask("label/__name__/values"))
            # All but those of which there is nothing yet, such as pools.
            assert {each for each in used if families[each].samples} <= known
            assert server.values('dagster_code_location_load_error{location="pipes"}') == [0]
            age = "time() - min(dagster_daemon_last_heartbeat_timestamp_seconds)"
            assert server.values(f"{age} < bool 300") == [1]
    finally:
        stack.dagnix("auth", "off", "--yes")
        assert status(lambda: read(stack)) == HTTPStatus.OK
