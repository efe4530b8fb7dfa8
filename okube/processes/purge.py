"""Removes a data directory, and only one that is Okube's: each thing in it must be one that Okube makes."""

import shutil
from pathlib import Path

from okube.model.errors import Conflict
from okube.processes.engine_record import ENGINE_FOLDER
from okube.security import ClusterFiles

__all__ = ["purge_data", "refuse_foreign"]

_OURS = frozenset(
    {"ca", "admin", "cluster.json", "seeding.json", "up.lock", "restoring", "restored.json", ENGINE_FOLDER}
)


def refuse_foreign(data_dir: Path, config_path: Path) -> None:
    """Refuse to remove what Okube did not make.

    Raises:
        Conflict: it is a link, holds cluster.yaml itself, or holds something unknown; nothing is removed.
    """
    if data_dir.is_symlink():
        raise Conflict(f"{data_dir} is a symbolic link: remove it and what it leads to yourself. Nothing is removed.")
    if config_path.resolve().is_relative_to(data_dir.resolve()):
        raise Conflict(f"{data_dir} holds {config_path.name} itself: it is not Okube's alone. Nothing is removed.")
    foreign = sorted(path.name for path in data_dir.iterdir() if not _is_ours(path))
    if foreign:
        raise Conflict(
            f"{data_dir} holds what is not Okube's: {', '.join(foreign)}. Take it away first. Nothing is removed."
        )


def purge_data(data_dir: Path) -> None:
    """Remove the directory; ``refuse_foreign`` was asked before. cluster.json goes last, so that a rest is known."""
    files = ClusterFiles(data_dir)
    for path in data_dir.iterdir():
        if path == files.seed:
            continue
        if path.is_dir() and not path.is_symlink():
            going = path.with_name(f".{path.name}.going")
            path.rename(going)  # a rest of it is known as ours, should this be interrupted
            shutil.rmtree(going)
        else:
            path.unlink()
    files.seed.unlink(missing_ok=True)
    data_dir.rmdir()


def _is_ours(path: Path) -> bool:
    if path.name in _OURS:
        return True
    if path.is_symlink() or not path.is_dir():
        return False
    if path.name.startswith("replaced-"):  # what a restore put aside
        return True
    if path.name.startswith(".") and path.name.endswith((".making", ".going", ".left")):
        return True
    process = ClusterFiles(path.parent).process(path.name)
    return process.identity.exists() or process.lock.exists() or not any(path.iterdir())
