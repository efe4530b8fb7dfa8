"""Files that are whole or not there, and keys that only their owner may read."""

import contextlib
import os
import stat
from pathlib import Path

from okube.model.errors import BadFile

__all__ = ["ensure_folder", "read_private", "require_private", "sync_folder", "write_private", "write_public"]

_PRIVATE = 0o600
_PUBLIC = 0o644
_FOLDER = 0o700


def ensure_folder(path: Path) -> Path:
    """Make the folder, and those above it that are missing, for its owner alone; one that is there stays as it is."""
    if not path.is_dir():
        ensure_folder(path.parent)
        path.mkdir(mode=_FOLDER, exist_ok=True)
    return path


def sync_folder(path: Path) -> None:
    """Make sure that a rename in this folder survives a loss of power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, data: bytes) -> None:
    """Write a key or a token: mode 0600, on disk when this returns, never half written, its folder made if missing."""
    _write(path, data, _PRIVATE)


def write_public(path: Path, data: bytes) -> None:
    """The same for what anyone may read, such as a certificate: mode 0644."""
    _write(path, data, _PUBLIC)


def require_private(path: Path) -> None:
    """Refuse a secret that others could have read.

    Raises:
        BadFile: it is missing, or its mode lets others than its owner read or change it.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise BadFile(
            f"{path} holds a secret and is open to others than its owner (mode {mode:04o}): "
            f"run 'chmod 600 {path}', and replace the secret if someone may have read it."
        )


def read_private(path: Path) -> bytes:
    """What a secret's file holds.

    Raises:
        BadFile: it cannot be read, or others could have read it too.
    """
    require_private(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error


def _write(path: Path, data: bytes, mode: int) -> None:
    import tempfile  # a client only reads, and starts sooner without it

    ensure_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
