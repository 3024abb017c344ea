"""Every command in the documentation is run, with the files that it says to write or to change."""

import pytest
from dagster import DagsterRunStatus
from support.command import run, wait_until
from support.dashboard import Dashboard
from support.markdown import Page, pages
from support.reader import Reader
from support.stack import ROOT, free_port

SETTINGS = 'eval "$(./dagnix env)"'
DEV = "nix develop -c dagster dev"
README = "README.md"
ENVIRONMENTS = "docs/howto/environments.md"
LOCATIONS = "docs/howto/code-locations.md"
FILES = "-f compose.yaml -f compose.location-marketing.yaml"
EXTERNAL = "docs/howto/external-database.md"
NEW_PROJECT = "docs/howto/new-project.md"
UPGRADE = "docs/howto/upgrade.md"
PAGES = {str(page.path): page for page in pages()}
# What is run elsewhere: by which file, and the words there that do it.
ELSEWHERE = {
    (README, "./dagnix test"): (".ci/run", "./dagnix test"),
    (README, "nix flake check"): ("cli/dagnix/commands/test.py", '"nix", "flake", "check"'),
    (README, 'nix develop -c pytest pipes -m "not postgres"'): (
        "cli/dagnix/commands/test.py",
        '(pytest, here.root / "pipes")',
    ),
    (README, "./dagnix rollback"): ("tests/stack/test_deploy.py", 'dagnix("rollback")'),
    (README, "./dagnix upgrade"): ("tests/stack/test_upgrade.py", 'dagnix("upgrade")'),
    (UPGRADE, "./dagnix lock python"): ("tests/support/locks.py", '"lock", "python"'),
    (UPGRADE, "./dagnix upgrade"): ("tests/stack/test_upgrade.py", 'dagnix("upgrade")'),
    # The rest of the page: what restores a backup.
    **{
        (UPGRADE, command): ("tests/stack/test_upgrade.py", "*commands]")
        for command in PAGES[UPGRADE].commands()
        if not command.startswith("./dagnix")
    },
    (README, DEV): ("tests/docs/test_commands.py", '{DEV}", DAGSTER'),
    **{
        (ENVIRONMENTS, command): ("tests/stack/test_environments.py", words)
        for command, words in {
            "./dagnix --env staging up --from dev": 'dagnix("up", "--from", "one")',
            "./dagnix --env staging status": "stack.status()",
            "./dagnix --env staging deploy --from dev": 'dagnix("deploy", "--from", "one")',
            "./dagnix --env prod deploy --from staging": 'dagnix("deploy", "--from", "one")',
            "nix develop -c podman-compose --env-file config/env/staging.env up -d": (
                '"--env-file", "config/env/two.env"'
            ),
        }.items()
    },
    **{
        (LOCATIONS, command): ("tests/stack/test_locations.py", words)
        for command, words in {
            "./dagnix location add marketing": 'dagnix("location", "add", NAME)',
            "./dagnix deploy marketing": 'dagnix("deploy", NAME)',
            "./dagnix history marketing": 'dagnix("history", NAME, "--json")',
            "./dagnix rollback marketing": 'dagnix("rollback", NAME)',
            "./dagnix location list": 'dagnix("location", "list")',
            f"nix develop -c podman-compose {FILES} up -d": (
                '"-f", f"compose.location-{NAME}.yaml", "up"'
            ),
            "./dagnix location remove marketing": 'dagnix("location", "remove", NAME)',
        }.items()
    },
    **{
        (EXTERNAL, command): ("tests/stack/test_external_db.py", words)
        for command, words in {
            "psql -h db.example.org -U postgres -d postgres -f config/postgres/external.sql": (
                "external_postgres("
            ),
            "export COMPOSE_FILE=compose.yaml:compose.external-db.yaml": (
                '"compose.yaml:compose.external-db.yaml"'
            ),
            "export DAGSTER_PG_HOST=db.example.org": '"DAGSTER_PG_HOST": host',
            "./dagnix up": 'dagnix("up", **outside)',
        }.items()
    },
    **{
        (NEW_PROJECT, command): ("tests/stack/test_template.py", "PAGE.script(")
        for command in PAGES[NEW_PROJECT].commands()
    },
}


def commands_here(page: Page) -> list[str]:
    """The page's commands without those that are run elsewhere."""
    return [each for each in page.commands() if (str(page.path), each) not in ELSEWHERE]


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if commands_here(page)])
def test_what_the_page_says_works(reader: Reader, name: str) -> None:
    page = PAGES[name]
    reader.start_over()
    leave_out = {command for other, command in ELSEWHERE if other == name}
    version = (ROOT / "VERSION").read_text().strip()
    # Port 3100 may be taken where the tests run.
    replace = {f"pipes:{version}": f"pipes:{reader.version}", "3100": str(free_port())}
    # A howto is for someone who has the stack, and a terminal as the README sets it up.
    before = "" if name == README else f"{SETTINGS}\n./dagnix up\n"
    printed = reader.run(before + page.script(leave_out, replace))
    # What SQLAlchemy says after pytest's last line, of connections that a test has left open.
    assert "Exception during reset" not in printed


def test_the_dev_shell_serves_the_dashboard_and_runs_the_example(reader: Reader) -> None:
    port = free_port()

    def answers() -> bool:
        assert shell.poll() is None, "it ended"
        url = f"http://127.0.0.1:{port}/server_info"
        return run(["curl", "--silent", "--fail", url], check=False).returncode == 0

    # Click, on which Dagster's command line is built, takes options from such variables.
    with reader.running(f"{SETTINGS}\n{DEV}", DAGSTER_CLI_DEV_PORT=str(port)) as shell:
        wait_until(answers, "the dashboard answers")
        _, status = Dashboard(port).run("example")
    assert status is DagsterRunStatus.SUCCESS


def test_what_is_run_elsewhere_is() -> None:
    stale = {
        (name, command)
        for (name, command), (file, words) in ELSEWHERE.items()
        if command not in PAGES[name].commands() or words not in (ROOT / file).read_text()
    }
    assert stale == set()


def test_every_block_of_code_is_of_a_kind_that_is_run_or_is_none() -> None:
    kinds = {block.language for page in PAGES.values() for block in page.blocks}
    assert kinds <= {"sh", "diff", "python", ""}
