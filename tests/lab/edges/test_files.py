"""Processes whose keys are open to others, or cut off: they do not start, say why, and start once it is put right."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller


def _open_to_others(key: Path) -> None:
    key.chmod(0o644)


def _cut_off(key: Path) -> None:
    key.write_bytes(key.read_bytes()[:100])


@pytest.mark.parametrize(
    ("damage", "what"), [(_open_to_others, "chmod 600"), (_cut_off, "cannot be used together")], ids=["mode", "cut"]
)
@pytest.mark.parametrize("kind", ["manager", "worker"])
def test_a_process_with_a_key_that_is_no_good_does_not_start_and_says_why(
    cluster: Cluster, caller: Caller, tmp_path: Path, kind: str, damage: Callable[[Path], None], what: str
) -> None:
    follower = next(name for name in cluster.managers if name != cluster.leader())
    name = follower if kind == "manager" else "w2"
    key = cluster.data_dir / name / "tls" / "node.key"
    kept = shutil.copy2(key, tmp_path)
    cluster.kill(name)
    try:
        damage(key)
        refused = cluster.okube(kind, "--name", name)
    finally:
        shutil.copy2(kept, key)
    assert refused.status == 1, refused
    assert str(key) in refused.err, refused
    assert what in refused.err, refused
    assert "Traceback" not in refused.err, refused
    cluster.ok("up", "-d")
    cluster.wait(cluster.complete, "all take part")
