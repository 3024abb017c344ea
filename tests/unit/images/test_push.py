import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dagnix import UserError, project
from dagnix.images.layout import REF_NAME, Layout
from dagnix.images.push import Registry, push

DIGEST = f"sha256:{'d' * 64}"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    folder = tmp_path / "layout"
    folder.mkdir()
    entry = {"digest": DIGEST, "annotations": {REF_NAME: "localhost/dagnix/pipes:9"}}
    (folder / "index.json").write_text(json.dumps({"manifests": [entry]}))
    return Layout(folder)


@pytest.mark.parametrize(
    ("text", "host", "is_loopback"),
    [
        ("registry.example.org/team", "registry.example.org", False),
        ("registry.example.org", "registry.example.org", False),
        ("registry:5000/a/b_c", "registry:5000", False),
        ("192.0.2.1:5000", "192.0.2.1:5000", False),
        ("localhost:5000/team", "localhost:5000", True),
        ("localhost", "localhost", True),
        ("127.0.0.1:5000", "127.0.0.1:5000", True),
        ("[::1]:5000/team", "[::1]:5000", True),
    ],
)
def test_a_registry(text: str, host: str, is_loopback: bool) -> None:
    registry = Registry(text)
    assert (registry.host, registry.is_loopback) == (host, is_loopback)
    assert registry.repository("pipes") == f"{text}/pipes"


@pytest.mark.parametrize(
    "text",
    [
        "https://registry.example.org",
        "team",  # a folder: on which registry?
        "registry.example.org/Team",
        "registry.example.org/team/",
        "registry.example.org/team:latest",
        "registry.example.org/team@sha256:0",
        "--all",
        "",
    ],
)
def test_what_is_no_registry(text: str) -> None:
    with pytest.raises(UserError, match=r"is no registry: give its host, .*, such as registry"):
        Registry(text)


@pytest.mark.usefixtures("checkout")
def test_sends_what_the_store_has_and_tells_its_digest(
    layout: Layout, program: Callable[[str, str], Path], tmp_path: Path
) -> None:
    program("skopeo", f'echo "$@" >> {tmp_path}/calls')
    for address in ("registry.example.org/team", "127.0.0.1:5000"):
        (pushed,) = push(project.current(), [layout], Registry(address))
        assert pushed == f"{address}/pipes@{DIGEST}"
    first, second = (tmp_path / "calls").read_text().splitlines()
    source = f"oci:{layout.folder}"
    assert (
        first == f"copy --preserve-digests {source} docker://registry.example.org/team/pipes:1.2.3"
    )
    own = "--preserve-digests --dest-tls-verify=false"
    assert second == f"copy {own} {source} docker://127.0.0.1:5000/pipes:1.2.3"


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    "said",
    [
        "reading manifest: unauthorized: authentication required",
        "requested access to the resource is denied",
    ],
)
def test_a_registry_that_asks_for_a_login(
    layout: Layout, program: Callable[[str, str], Path], said: str
) -> None:
    program("skopeo", f"echo '{said}' >&2; exit 1")
    with pytest.raises(UserError) as caught:
        push(project.current(), [layout], Registry("registry.example.org/team"))
    first, *_, last = str(caught.value).splitlines()
    assert first == "registry.example.org/team/pipes:1.2.3 cannot be sent."
    assert "log in with `podman login registry.example.org`" in last


@pytest.mark.usefixtures("checkout")
def test_a_registry_that_does_not_answer(
    layout: Layout, program: Callable[[str, str], Path]
) -> None:
    program("skopeo", "echo 'connection refused' >&2; exit 1")
    with pytest.raises(UserError) as caught:
        push(project.current(), [layout], Registry("registry.example.org/team"))
    *_, reason, cure = str(caught.value).splitlines()
    assert reason.strip() == "connection refused"
    assert cure == "Check the name registry.example.org, and whether this host reaches it."


@pytest.mark.usefixtures("checkout")
def test_without_skopeo_it_says_what_to_install(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"not installed: sudo apt-get install .* skopeo"):
        push(project.current(), [layout], Registry("registry.example.org/team"))
