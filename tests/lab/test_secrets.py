"""Secrets and configs with real processes: they outlive all managers, and no file of the cluster shows a value."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster

VALUE = "correct-horse-battery-staple"
CONFIG = "greeting = hello-from-a-config"


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("secrets"), runtime="process", workers=0)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def create(cluster: Cluster, kind: str, name: str, value: str) -> None:
    """Once the key ring is there, which takes a moment after the first election."""
    cluster.wait(
        lambda: cluster.okube(kind, "create", name, "-", typed=value).status == 0, f"{kind} {name} is made", seconds=20
    )


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def end_all(cluster: Cluster) -> None:
    for name in cluster.managers:
        cluster.signal(name, signal.SIGKILL)
    cluster.wait(lambda: not any(cluster.pid(name) for name in cluster.managers), "all managers are gone")


def test_secrets_outlive_all_managers_and_no_file_of_theirs_shows_a_value(cluster: Cluster) -> None:
    create(cluster, "secret", "db", VALUE)
    create(cluster, "config", "motd", CONFIG)
    assert cluster.okube("secret", "rotate", "db", "-", typed=VALUE + "-2").status == 0
    cluster.ok("snapshot", "save", str(cluster.folder / "saved.okube"))
    end_all(cluster)
    cluster.up()
    (secret,) = cluster.json("secret", "ls")
    assert (secret["name"], secret["version"]) == ("db", 2)
    assert cluster.ok("config", "show", "motd").out == CONFIG
    assert len({manager["digest"] for manager in cluster.json("status")["managers"]}) == 1
    assert [files_with(text, cluster.folder) for text in (VALUE, CONFIG)] == [[], []]
    shown = "".join(cluster.ok(*words, "-o", "json").out for words in (["events"], ["secret", "inspect", "db"]))
    assert VALUE not in shown
