"""What is refused before any machine is asked."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import run_okube
from tests.unit.cli.test_snapshot import FILE

_CLUSTER = "cluster: {name}\ndata_dir: data\nmanagers: [{{name: m1, host: 192.0.2.1, port: 7101}}]\nworkers: []\n"


@pytest.mark.parametrize(
    ("data", "name", "status", "said"),
    [
        (None, "lab", 2, "cannot be read"),
        (b"a letter", "lab", 2, "This is no snapshot"),
        (FILE[:-3], "lab", 2, "cut off"),
        (FILE, "shop", 1, "The snapshot is of cluster lab, and"),
    ],
)
def test_a_file_that_cannot_be_restored_is_told_at_once_and_leaves_nothing(
    home: Path, data: bytes | None, name: str, status: int, said: str
) -> None:
    (home / "cluster.yaml").write_text(_CLUSTER.format(name=name))
    if data is not None:
        (home / "saved.okube").write_bytes(data)
    refused = run_okube("cluster", "restore", "saved.okube", "-f", "cluster.yaml", "--yes")
    assert refused.exit_code == status, refused.stderr
    assert said in " ".join(refused.stderr.split())
    assert not (home / "data").exists() or [path.name for path in (home / "data").iterdir()] == ["up.lock"]
