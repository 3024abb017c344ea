"""Every command in the documentation is run, with the files that it says to write or to change."""

import runpy

import pytest
from dagster import DagsterRunStatus
from support.command import TIMEOUT_SECONDS, run, wait_until
from support.dashboard import Dashboard
from support.markdown import Page, pages, run_by_tests
from support.reader import Reader
from support.stack import ROOT, free_port

SETTINGS = 'eval "$(./dagnix env)"'
DEV = "nix develop -c dagster dev"
README = "README.md"
PLAIN = "docs/howto/plain-commands.md"
CONTRIBUTING = "CONTRIBUTING.md"
SECRETS = "docs/howto/secrets-and-settings.md"
LOGINS = "docs/howto/logins.md"
OPENID = "docs/howto/openid-connect.md"
TLS = "docs/howto/tls.md"
UPDATES = "docs/howto/updates.md"
YEAR = "docs/howto/a-year.md"
KUBERNETES = "docs/howto/kubernetes.md"
# Who has a certificate.
CERTIFICATE = """openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost \\
  -out fullchain.pem -keyout privkey.pem
"""
# Their commands work on files alone, whether a stack runs or not.
WITHOUT_STACK = {CONTRIBUTING, "docs/howto/keep-the-files.md", OPENID, KUBERNETES}
PAGES = {str(page.path): page for page in pages()}
# What `./dagnix test` itself runs, or who calls it.
IN_EVERY_TEST = {
    (README, "./dagnix test"),
    (PLAIN, "nix flake check"),
    (PLAIN, 'nix develop -c pytest pipes -m "not postgres"'),
}
# What another page shows as well, which is run from there.
ON_ANOTHER_PAGE = {
    (README, "./dagnix deploy"): "docs/howto/deploy.md",
    (README, "./dagnix up --mount ./pipes"): "docs/howto/deploy.md",
    (README, "./dagnix boot"): "docs/howto/boot.md",
    (README, "./dagnix updates"): UPDATES,
    (UPDATES, "./dagnix upgrade"): "docs/howto/upgrade.md",
    (YEAR, "./dagnix status"): "docs/howto/watch.md",
    (YEAR, "./dagnix updates"): UPDATES,
    (YEAR, "./dagnix lock --security"): UPDATES,
    (YEAR, "./dagnix upgrade"): "docs/howto/upgrade.md",
    (YEAR, "./dagnix prune --dry-run"): "docs/howto/retention.md",
    (YEAR, "./dagnix doctor"): "docs/howto/when-something-fails.md",
    ("docs/howto/logs.md", "./dagnix logs --tail 50"): "docs/howto/when-something-fails.md",
    ("docs/howto/logs.md", "./dagnix logs pipes"): README,
}


# What other tests say that they run: Page.run_by.
OTHERS = (
    *(ROOT / "tests/stack").glob("test_*.py"),
    *(ROOT / "tests/machine").glob("test_*.py"),
    ROOT / "tests/images/test_push.py",
    ROOT / "tests/kubernetes/test_stack.py",
    ROOT / "tests/images/test_spdx.py",
    ROOT / "tests/clients/lock/test_updates.py",
    ROOT / "tests/unit/testing/test_another_dagster.py",
)
for file in OTHERS:
    runpy.run_path(str(file))
run_by_tests.update(IN_EVERY_TEST)
run_by_tests.add((PLAIN, DEV))
for (page, command), other in ON_ANOTHER_PAGE.items():
    assert command in PAGES[other].commands()
    run_by_tests.add((page, command))


def commands_here(page: Page) -> list[str]:
    """The page's commands without those that are run elsewhere."""
    return [each for each in page.commands() if (str(page.path), each) not in run_by_tests]


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if commands_here(page)])
def test_what_the_page_says_works(reader: Reader, name: str) -> None:
    page = PAGES[name]
    reader.start_over()
    leave_out = {command for other, command in run_by_tests if other == name}
    version = (ROOT / "VERSION").read_text().strip()
    # Port 3100 may be taken where the tests run.
    replace = {f"pipes:{version}": f"pipes:{reader.version}", "3100": str(free_port())}
    if name == SECRETS:  # for someone with a terminal, a file with the key, and another location
        (reader.clone / "api-key.txt").write_text("hush")
        typed = "./dagnix secret set API_KEY\n"
        replace |= {typed: f"echo hush | {typed}", "--location marketing": "--location pipes"}
    if name == LOGINS:
        asks = ("./dagnix auth add", "./dagnix auth password")
        replace |= {each: f"echo correct horse | {each}" for each in asks}
    if name == OPENID:
        (reader.clone / "client-secret.txt").write_text("hush")
    # A howto is for someone who has the stack, and a terminal as the README sets it up.
    before = "" if name == README else f"{SETTINGS}\n"
    if name == PLAIN:
        before = "./dagnix down\n"
    elif "./dagnix up" not in page.commands() and name not in WITHOUT_STACK:
        before += "./dagnix up\n"
    afterwards = ""
    if name == KUBERNETES:  # for someone with a login
        before += "echo correct horse | ./dagnix auth add ann --role admin\n"
        afterwards = "\ngrep --count '^kind: Deployment$' stack.yaml\n./dagnix auth off\n"
    if name == TLS:  # the next page's dashboard is as the first one was
        before += CERTIFICATE
        afterwards = "\nsed -i '/TLS\\|PREFIX/d' .env\n./dagnix up\n"
    script = before + page.script(leave_out, replace) + afterwards
    # Each command of ./dagnix may take minutes on a busy machine.
    printed = reader.run(script, TIMEOUT_SECONDS * (1 + script.count("./dagnix")))
    # What SQLAlchemy says after pytest's last line, of connections that a test has left open.
    assert "Exception during reset" not in printed


@PAGES[PLAIN].run_by(DEV)
def test_the_dev_shell_serves_the_dashboard_and_runs_the_example(reader: Reader) -> None:
    port, typed = free_port(), PAGES[PLAIN].typed(DEV, {})

    def answers() -> bool:
        assert shell.poll() is None, "it ended"
        url = f"http://127.0.0.1:{port}/server_info"
        return run(["curl", "--silent", "--fail", url], check=False).returncode == 0

    # Click, on which Dagster's command line is built, takes options from such variables.
    with reader.running(f"{SETTINGS}\n{typed}", DAGSTER_CLI_DEV_PORT=str(port)) as shell:
        wait_until(answers, "the dashboard answers")
        _, status = Dashboard(port).run("example")
    assert status is DagsterRunStatus.SUCCESS


def test_every_block_of_code_is_of_a_kind_that_is_run_or_is_none() -> None:
    kinds = {block.language for page in PAGES.values() for block in page.blocks}
    assert kinds <= {"sh", "diff", "python", ""}
