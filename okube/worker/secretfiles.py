"""The values that tasks are given, as files in memory; everything here blocks and belongs in a thread.

Each task has a folder: ``secrets/`` is what it sees as ``/run/secrets``, ``files/`` holds what it sees elsewhere,
``environ`` its variables, and ``versions``, which is written last, says what is complete.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from okube.model.mounts import SECRETS_FOLDER, Given, MountKind, path_of
from okube.model.wire import AssignedTask
from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.provided import ENVIRON, NOTHING, Provided
from okube.worker.secretplace import NoPlace, find_place, open_place

__all__ = ["SecretFiles", "Values", "clear_secrets"]

Values = Mapping[tuple[MountKind, str], bytes]
"""Values by kind and name. Nobody keeps one longer than it takes to write its file."""

_VERSIONS = "versions"
_SECRETS = "secrets"
_FILES = "files"


class SecretFiles:
    """The folders of all tasks of one agent below ``place``, which is on a file system in memory."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def laid(self) -> set[str]:
        """The tasks that have a folder."""
        if not self._place.is_dir():
            return set()
        return {entry.name for entry in self._place.iterdir()}

    def provided(self, task: AssignedTask) -> Provided | None:
        """What lies ready for a task, or None where not all of it does, or not in the versions that are asked for."""
        given = task.spec.given(task.mounted)
        if not given:
            return NOTHING
        folder = self._place / task.id
        try:
            complete = msgspec.json.decode((folder / _VERSIONS).read_bytes(), type=list[tuple[str, str, int]])
        except (OSError, msgspec.MsgspecError):
            return None
        return _provided(folder, given) if complete == _versions(given) else None

    def lay(self, task: AssignedTask, values: Values) -> Provided:
        """Write a task's files, in the place of older ones where it runs already.

        A file below ``/run/secrets`` changes in one step. One elsewhere is written over, for whoever has it mounted
        would not see another one in its place.

        Raises:
            RuntimeFailure: ``start-failed``: a value cannot be a variable, or a file cannot belong to whom it should.
            OSError: there is no room.
            NoPlace: the folder is somebody else's.
        """
        given = task.spec.given(task.mounted)
        environ = _environ(given, values)
        open_place(self._place)
        folder = self._place / task.id
        for each in (folder, folder / _FILES):
            each.mkdir(mode=0o700, exist_ok=True)
        _make_folders(folder / _SECRETS)
        for n, one in enumerate(given):
            if one.mount.is_file:
                self._lay_one(folder, n, one, values[one.kind, one.mount.name])
        _replace(folder, folder / ENVIRON, environ, mode=0o600)
        _replace(folder, folder / _VERSIONS, msgspec.json.encode(_versions(given)), mode=0o600)
        return _provided(folder, given)

    def drop(self, task_id: str) -> None:
        """Remove what a task was given."""
        shutil.rmtree(self._place / task_id, ignore_errors=True)

    def clear(self) -> None:
        """Remove all of it, and the folder itself."""
        shutil.rmtree(self._place, ignore_errors=True)
        with contextlib.suppress(OSError):  # another agent of this user has its own beside it
            self._place.parent.rmdir()

    def _lay_one(self, folder: Path, number: int, one: Given, value: bytes) -> None:
        mount, place = one.mount, _source(folder, number, one)
        try:
            if place.parent.name == _FILES and place.exists():
                _overwrite(place, value)
            else:
                _make_folders(place.parent)
                _replace(folder, place, value, mode=int(mount.mode, 8), owner=(mount.uid, mount.gid))
        except PermissionError as error:
            raise RuntimeFailure(
                "start-failed",
                f"the agent may not give {path_of(one.kind, mount)} to user {mount.uid} and group {mount.gid}: "
                "run it as root, or ask for its own user",
            ) from error


def clear_secrets(cluster_id: str, node: str) -> None:
    """Remove what the tasks of a node were given; for ``okube down``, when its tasks have ended."""
    with contextlib.suppress(NoPlace):  # then nothing was ever given to a task here
        SecretFiles(find_place(cluster_id, node, os.environ)).clear()


def _make_folders(folder: Path) -> None:
    """Folders that every user of the task may look into, whatever the agent's umask says."""
    if not folder.is_dir():
        _make_folders(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)


def _source(folder: Path, number: int, one: Given) -> Path:
    inner = _below_secrets(one)
    return folder / _FILES / str(number) if inner is None else folder / _SECRETS / inner


def _below_secrets(one: Given) -> str | None:
    path = path_of(one.kind, one.mount)
    return path.removeprefix(f"{SECRETS_FOLDER}/") if path.startswith(f"{SECRETS_FOLDER}/") else None


def _provided(folder: Path, given: tuple[Given, ...]) -> Provided:
    files = [(n, one) for n, one in enumerate(given) if one.mount.is_file]
    links = [(_source(folder, n, one), path_of(one.kind, one.mount)) for n, one in files if _below_secrets(one) is None]
    if len(links) < len(files):
        links.insert(0, (folder / _SECRETS, SECRETS_FOLDER))
    return Provided(folder, tuple(links))


def _versions(given: tuple[Given, ...]) -> list[tuple[str, str, int]]:
    return [(one.kind, one.mount.name, one.version) for one in given]


def _environ(given: tuple[Given, ...], values: Values) -> bytes:
    """The variables, each ended by a NUL."""
    lines = []
    for one in given:
        if one.mount.env is None:
            continue
        value = values[one.kind, one.mount.name]
        if b"\0" in value or not _is_text(value):
            raise RuntimeFailure(
                "start-failed",
                f"{one.mount.name} cannot be the variable {one.mount.env}: it is no text in UTF-8 without NUL; "
                "give it to the service as a file",
            )
        lines.append(one.mount.env.encode() + b"=" + value + b"\0")
    return b"".join(lines)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _replace(folder: Path, place: Path, value: bytes, *, mode: int, owner: tuple[int, int] | None = None) -> None:
    """A new file in the place of the old one, in one step; it is made where its task does not see it."""
    made = folder / f"{place.name}.new"
    made.unlink(missing_ok=True)
    fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(value)
            file.flush()
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(fd, *owner)
            os.fchmod(fd, mode)
        made.rename(place)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def _overwrite(place: Path, value: bytes) -> None:
    """The same file with another content."""
    fd = os.open(place, os.O_WRONLY | os.O_NOFOLLOW)
    with open(fd, "wb") as file:
        file.write(value)
        file.flush()
        os.ftruncate(fd, len(value))
