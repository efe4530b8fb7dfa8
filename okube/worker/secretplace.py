"""Where an agent keeps the values that its tasks are given: in a folder on a file system that is memory alone."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from okube.model.errors import OkubeError

__all__ = ["NoPlace", "find_place", "in_memory", "open_place"]

_MEMORY = frozenset({"tmpfs", "ramfs"})
_MOUNTS = Path("/proc/self/mountinfo")


class NoPlace(OkubeError):
    """The machine has no file system in memory that the agent may write to, or somebody else sits there."""

    kind = "no-place"


def find_place(cluster_id: str, node: str, environ: Mapping[str, str], *, mounts: str | None = None) -> Path:
    """The folder of this agent's values; the same after each start. It is not made here.

    ``mounts`` is what ``/proc/self/mountinfo`` says, where that is not read.

    Raises:
        NoPlace: there is no file system in memory.
    """
    table = _MOUNTS.read_text(encoding="utf-8") if mounts is None else mounts
    for parent in _parents(environ):
        if in_memory(parent, table) and os.access(parent, os.W_OK):
            return parent / f"okube-{os.geteuid()}" / f"{cluster_id[:8]}-{node}"
    raise NoPlace(
        f"node {node} has no file system in memory for secrets: mount a tmpfs at /run or at /dev/shm that its agent "
        "may write to"
    )


def open_place(place: Path) -> None:
    """Make the folder for this user alone.

    Raises:
        NoPlace: something else is there, or somebody else's.
        OSError: it cannot be made.
    """
    for folder in (place.parent, place):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise NoPlace(f"{folder} is no folder of the agent's own with mode 0700: remove it, then it is made anew")


def in_memory(path: Path, mounts: str) -> bool:
    """Whether ``path``, a folder without links in it, is on a file system in memory, by the text of ``mountinfo``."""
    if not path.is_dir() or path.resolve() != path:
        return False
    return _kind_of(path, _mounted(mounts)) in _MEMORY


def _parents(environ: Mapping[str, str]) -> Iterable[Path]:
    if os.geteuid() == 0:
        yield Path("/run")
    elif runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime)
    yield Path("/dev/shm")


def _mounted(mounts: str) -> dict[Path, str]:
    """Mount points and their kinds; of two at one place the later one is seen."""
    found: dict[Path, str] = {}
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) > 4 and rest:
            found[Path(_unescaped(fields[4]))] = rest[0]
    return found


def _kind_of(path: Path, mounted: Mapping[Path, str]) -> str:
    for folder in (path, *path.parents):
        if folder in mounted:
            return mounted[folder]
    return ""


def _unescaped(text: str) -> str:
    """``mountinfo`` writes blanks and their like as three octal digits."""
    for code in ("040", "011", "012", "134"):
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text
