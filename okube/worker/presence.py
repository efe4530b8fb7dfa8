"""Which clusters have a living agent on this machine: each agent holds a file of its own locked while it lives.

An engine does not know who owns its containers still; those of a cluster without an agent here are leftovers.
"""

import contextlib
import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["living_clusters", "present"]

logger = logging.getLogger(__name__)


def _places() -> tuple[Path, ...]:
    """For root, and for everybody else; both are looked into."""
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError:  # there is none that could be written: a confined agent reads it all the same
        temporary = "/tmp"  # a place that others agree on
    return Path("/run/okube/agents"), Path(temporary) / "okube-agents"


@contextmanager
def present(cluster_id: str, node: str, places: tuple[Path, ...] | None = None) -> Iterator[None]:
    """Be known to the machine's other agents; where no place can be written, be unknown."""
    with contextlib.ExitStack() as stack:
        for place in _places() if places is None else places:
            try:
                stack.enter_context(_hold(place, f"{cluster_id}.{node}"))
                break
            except OSError as error:
                logger.debug("%s cannot be used: %s", place, error)
        yield


def living_clusters(places: tuple[Path, ...] | None = None) -> set[str]:
    """Ids of the clusters that have an agent here now; files that cannot be read count for living ones."""
    living = set()
    for place in _places() if places is None else places:
        with contextlib.suppress(OSError):
            for file in sorted(place.iterdir()):
                if _is_held(file):
                    living.add(file.name.partition(".")[0])
    return living


@contextmanager
def _hold(place: Path, name: str) -> Iterator[None]:
    if not place.exists():
        place.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            place.chmod(0o1777)
    fd = os.open(place / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        (place / name).unlink(missing_ok=True)
    finally:
        os.close(fd)


def _is_held(file: Path) -> bool:
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
