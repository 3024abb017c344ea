import json
import subprocess
import sys
from pathlib import Path

import digests


def test_an_image_has_its_manifests_digest_and_a_group_those_of_its_layers(tmp_path: Path) -> None:
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout/index.json").write_text('{"manifests": [{"digest": "sha256:1"}]}')
    for name in ("base", "dagster"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "layer.json").write_text(f'[{{"digest": "sha256:{name}"}}]')
    layers = {name: str(tmp_path / name) for name in ("dagster", "base")}
    built = json.dumps({"webserver": str(tmp_path / "layout"), "pipes": layers})

    command = [sys.executable, digests.__file__, str(tmp_path / "out"), built]
    subprocess.run(command, check=True)
    assert json.loads((tmp_path / "out").read_text()) == {
        "pipes": {"base": "sha256:base", "dagster": "sha256:dagster"},
        "webserver": "sha256:1",
    }
