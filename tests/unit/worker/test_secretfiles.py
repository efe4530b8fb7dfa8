"""What tasks are given, as files in memory."""

import os
from pathlib import Path
from typing import Any

import pytest

from okube.model.mounts import MountKind
from okube.model.wire import AssignedTask
from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.provided import NOTHING
from okube.worker.secretfiles import SecretFiles
from okube.worker.secretplace import NoPlace
from tests.builders import a_spec

VALUES: dict[tuple[MountKind, str], bytes] = {("secret", "db"): b"hunter2\n", ("config", "page"): b"<html>"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "memory").mkdir(mode=0o700)
    return tmp_path / "memory" / "w1"


@pytest.fixture
def files(place: Path) -> SecretFiles:
    return SecretFiles(place)


def a_task(mounted: tuple[int, ...] = (1,), **fields: Any) -> AssignedTask:
    return AssignedTask("t1", "web", 1, a_spec(**fields), mounted=mounted)


def test_a_task_that_is_given_nothing_gets_no_folder(files: SecretFiles) -> None:
    assert files.provided(a_task(())) == NOTHING
    assert files.laid() == set()


def test_a_secret_is_a_file_of_the_folder_that_its_task_sees_as_run_secrets(files: SecretFiles, place: Path) -> None:
    provided = files.lay(a_task(secrets=["db"]), VALUES)
    assert provided.links == ((place / "t1" / "secrets", "/run/secrets"),)
    assert (place / "t1" / "secrets" / "db").read_bytes() == b"hunter2\n"


def test_a_file_elsewhere_is_linked_by_itself(files: SecretFiles) -> None:
    provided = files.lay(a_task((1,), configs=[{"name": "page", "target": "/srv/index.html"}]), VALUES)
    ((source, target),) = provided.links
    assert (source.read_bytes(), target) == (b"<html>", "/srv/index.html")


def test_a_variable_is_no_file(files: SecretFiles) -> None:
    provided = files.lay(a_task(secrets=[{"name": "db", "env": "PASSWORD"}]), {("secret", "db"): b"a = b\nc"})
    assert provided.links == ()
    assert provided.environ() == {"PASSWORD": "a = b\nc"}


def test_mode_and_owner_are_as_asked_for(files: SecretFiles, place: Path) -> None:
    mount = {"name": "db", "mode": "0400", "uid": os.geteuid(), "gid": os.getegid()}
    files.lay(a_task(secrets=[mount]), VALUES)
    found = (place / "t1" / "secrets" / "db").stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o400, os.geteuid(), os.getegid())


def test_folders_below_run_secrets_may_be_looked_into_whatever_the_umask(files: SecretFiles, place: Path) -> None:
    before = os.umask(0o077)
    try:
        files.lay(a_task(secrets=[{"name": "db", "target": "a/b/c"}]), VALUES)
    finally:
        os.umask(before)
    modes = [(place / "t1" / "secrets" / each).stat().st_mode & 0o777 for each in ("", "a", "a/b", "a/b/c")]
    assert modes == [0o755, 0o755, 0o755, 0o444]


def test_what_its_tasks_do_not_see_is_for_the_agent_alone(files: SecretFiles, place: Path) -> None:
    files.lay(a_task(secrets=[{"name": "db", "env": "PASSWORD", "target": "db"}]), VALUES)
    assert {each: (place / each).stat().st_mode & 0o777 for each in ("", "t1", "t1/environ", "t1/versions")} == {
        "": 0o700,
        "t1": 0o700,
        "t1/environ": 0o600,
        "t1/versions": 0o600,
    }


def test_an_owner_that_the_agent_may_not_choose_fails_the_start(
    files: SecretFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    with pytest.raises(RuntimeFailure, match="may not give /run/secrets/db to user 999 and group 0: run it as root"):
        files.lay(a_task(secrets=[{"name": "db", "uid": 999}]), VALUES)


def test_what_lies_ready_is_found_by_the_next_agent(files: SecretFiles, place: Path) -> None:
    task = a_task(secrets=["db"])
    laid = files.lay(task, VALUES)
    assert SecretFiles(place).provided(task) == laid
    assert SecretFiles(place).laid() == {"t1"}


def test_another_version_does_not_lie_ready(files: SecretFiles) -> None:
    files.lay(a_task((1,), secrets=["db"]), VALUES)
    assert files.provided(a_task((2,), secrets=["db"])) is None


def test_what_is_half_written_does_not_lie_ready(files: SecretFiles) -> None:
    task = a_task((1, 1), secrets=["db", "missing"])
    with pytest.raises(KeyError):
        files.lay(task, VALUES)
    assert files.provided(task) is None


def test_a_file_below_run_secrets_changes_in_one_step(files: SecretFiles, place: Path) -> None:
    files.lay(a_task((1,), secrets=["db"]), VALUES)
    with (place / "t1" / "secrets" / "db").open("rb") as opened:
        files.lay(a_task((2,), secrets=["db"]), {("secret", "db"): b"other"})
        assert opened.read() == b"hunter2\n"
    assert (place / "t1" / "secrets" / "db").read_bytes() == b"other"
    assert os.listdir(place / "t1" / "secrets") == ["db"]


def test_a_file_elsewhere_stays_the_same_file_for_whoever_has_it_mounted(files: SecretFiles) -> None:
    mount = {"name": "db", "target": "/etc/db"}
    ((source, _),) = files.lay(a_task((1,), secrets=[mount]), VALUES).links
    with source.open("rb") as opened:
        files.lay(a_task((2,), secrets=[mount]), {("secret", "db"): b"new"})
        assert opened.read() == b"new"


@pytest.mark.parametrize("value", [b"a\0b", b"\xff\xfe"])
def test_a_value_that_can_be_no_variable_fails_the_start_and_is_not_shown(files: SecretFiles, value: bytes) -> None:
    with pytest.raises(RuntimeFailure, match="db cannot be the variable A: it is no text") as caught:
        files.lay(a_task(secrets=[{"name": "db", "env": "A"}]), {("secret", "db"): value})
    assert repr(value) not in repr(caught.value.__dict__)


def test_a_dropped_task_has_nothing_left(files: SecretFiles, place: Path) -> None:
    files.lay(a_task(secrets=["db"]), VALUES)
    files.drop("t1")
    files.drop("t1")
    assert not (place / "t1").exists()


def test_a_cleared_node_has_no_folder_left(files: SecretFiles, place: Path) -> None:
    files.lay(a_task(secrets=["db"]), VALUES)
    files.clear()
    assert not place.parent.exists()


def test_a_folder_that_others_may_read_is_not_written_to(files: SecretFiles, place: Path) -> None:
    place.mkdir(mode=0o755)
    place.chmod(0o755)
    with pytest.raises(NoPlace, match="no folder of the agent's own with mode 0700"):
        files.lay(a_task(secrets=["db"]), VALUES)


def test_a_link_in_the_place_of_the_folder_is_not_followed(files: SecretFiles, place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NoPlace):
        files.lay(a_task(secrets=["db"]), VALUES)
