"""Secrets and configs with real processes: they outlive all managers, and no file of the cluster shows a value."""

import signal
import subprocess
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
    (key,) = cluster.folder.rglob("unlock.key")
    key.chmod(0o644)
    refused = cluster.okube("up", "-d")
    assert refused.status == 1
    assert f"chmod 600 {key}" in refused.out + refused.err
    key.chmod(0o600)
    cluster.up()
    (secret,) = cluster.json("secret", "ls")
    assert (secret["name"], secret["version"]) == ("db", 2)
    assert cluster.ok("config", "show", "motd").out == CONFIG
    assert len({manager["digest"] for manager in cluster.json("status")["managers"]}) == 1
    assert [files_with(text, cluster.folder) for text in (VALUE, CONFIG)] == [[], []]
    shown = "".join(cluster.ok(*words, "-o", "json").out for words in (["events"], ["secret", "inspect", "db"]))
    assert VALUE not in shown


def locked(cluster: Cluster) -> list[str]:
    return [manager["name"] for manager in cluster.json("managers") if manager["locked"]]


def test_keys_turn_reach_a_manager_that_was_away_and_lock_with_a_person_s_alone(cluster: Cluster) -> None:
    create(cluster, "config", "motd", CONFIG)
    keys = cluster.folder / ".okube" / "keys" / cluster.json("status")["cluster_id"]
    first = cluster.ok("keyring", "unlock-key").out
    assert (keys / "unlock.key").read_text() == first

    away = next(name for name in cluster.managers if name != cluster.leader())
    cluster.kill(away)
    second = cluster.ok("keyring", "unlock-key", "--rotate").out
    assert (keys / "unlock.key").read_text() == second != first
    elsewhere = cluster.folder / "elsewhere"
    elsewhere.mkdir()
    own = {**cluster.env(), "HOME": str(elsewhere)}
    running = subprocess.Popen(cluster.command("manager", "--name", away), env=own)
    cluster.wait(cluster.complete, f"{away} is back")
    cluster.wait(lambda: not locked(cluster), f"the others have told {away} the unlock key")
    assert [path.read_text() for path in elsewhere.rglob("unlock.key")] == [second]
    cluster.wait(lambda: len(cluster.json("keyring")["keys"]) == 1, "the data keys from before are gone")

    third = cluster.ok("keyring", "autolock", "on").out
    cluster.wait(lambda: not list(cluster.folder.rglob("unlock*.key")), "no manager has the key on its disk")
    end_all(cluster)
    running.wait(10)
    cluster.up()
    assert locked(cluster) == cluster.managers
    refused = cluster.okube("config", "show", "motd")
    assert (refused.status, "okube unlock" in refused.err) == (1, True)
    assert cluster.okube("unlock", typed=second).status == 1
    assert sorted(cluster.okube("unlock", "-o", "json", typed=third).json["unlocked"]) == cluster.managers
    assert cluster.ok("config", "show", "motd").out == CONFIG
    assert [files_with(key.strip(), cluster.folder) for key in (first, second, third)] == [[], [], []]
    cluster.ok("keyring", "autolock", "off")
    cluster.wait((keys / "unlock.key").exists, "managers keep the unlock key on their disks again")
