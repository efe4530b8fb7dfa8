"""Storage as an argument: files that are appended to and synced, and files that are replaced whole.

Every method that touches the platter is awaited, because the real form works in threads: a slow disk stops what waits
for it and nothing else. An error of a sync is final. The kernel may have dropped the pages that it could not write, so
that a second try would report success for data that is gone; the caller ends the process. Only a disk that is full says
so before anything was lost: ``NoRoom``.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

from okube.seams.aside import Aside

__all__ = ["UNFINISHED", "AppendFile", "DirectoryInUse", "Disk", "FileDisk", "NoRoom"]

T = TypeVar("T")

UNFINISHED = ".tmp"
"""How names end that a ``replace`` left behind when its process was killed; such files may be removed."""


class DirectoryInUse(OSError):
    """Another process has this file open for appending: two managers were started on one directory."""


class NoRoom(OSError):
    """The disk is full, or a quota used up. What was to be written is not there; what was durable before still is.

    ``size`` is how much did not fit, in bytes, as far as that is known.
    """

    size = 0


class AppendFile(Protocol):
    """A file that only grows. Nothing is written, and so nothing can fail, before ``sync``."""

    def append(self, data: bytes) -> None:
        """Queue bytes for the next sync."""

    async def sync(self) -> None:
        """Make everything that was appended before this call durable. One call at a time.

        Raises:
            NoRoom: nothing that waited was written; the file must be closed, and may be opened anew.
            OSError: final; what is in the file now is not known.
        """

    async def close(self) -> None:
        """Let go of the file; what was not synced is not written."""


class Disk(Protocol):
    """A directory tree with the few operations whose durability the journal and the snapshots need."""

    async def list(self, directory: Path) -> list[str]:
        """Names in a directory, sorted; none if there is no such directory."""

    async def read(self, path: Path) -> bytes:
        """The whole file. Raises ``FileNotFoundError``."""

    async def open_append(self, path: Path) -> AppendFile:
        """Open an existing file to append to it; all that it holds, and its name, is durable then.

        A process that was killed may have left what was written and never synced. Raises ``FileNotFoundError``,
        ``DirectoryInUse``.
        """

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Write a file whole: the name appears, or changes its content, only when all of it is durable.

        ``chunks`` may be iterated in another thread, so it must not read anything that changes.

        Raises:
            NoRoom: nothing has changed.
        """

    async def rename(self, source: Path, target: Path) -> None:
        """Durably give ``source`` the name ``target``, in place of what had it."""

    async def truncate(self, path: Path, size: int) -> None:
        """Durably cut a file to its first ``size`` bytes."""

    async def remove(self, path: Path) -> None:
        """Remove a file; nothing happens if it is gone already."""

    async def try_room(self, directory: Path, size: int) -> None:
        """Take room for ``size`` bytes and give it back. Raises ``NoRoom``."""

    async def close(self) -> None:
        """Let go of threads. Files are closed by who opened them."""


class FileDisk:
    """The machine's file system.

    Syncs of appended files have a thread for themselves; everything bulky (snapshots, rewritten journals, removals)
    takes turns in a second one, so that it never stands in front of a sync.
    """

    def __init__(self) -> None:
        self._sync_thread = Aside("okube-sync")
        self._bulk_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="okube-bulk")

    async def list(self, directory: Path) -> list[str]:
        """Names in a directory, sorted; none if there is no such directory."""
        return await self._bulk(lambda: sorted(os.listdir(directory)) if directory.is_dir() else [])

    async def read(self, path: Path) -> bytes:
        """The whole file."""
        return await self._bulk(path.read_bytes)

    async def open_append(self, path: Path) -> AppendFile:
        """Open and lock an existing file; the lock goes with the process."""
        return _AppendedFile(await self._bulk(lambda: _open_locked(path)), self._sync_thread)

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Temporary file, fsync, rename, fsync of the directory."""
        await self._bulk(lambda: _replace(path, chunks))

    async def rename(self, source: Path, target: Path) -> None:
        """Rename and sync the directory."""
        await self._bulk(lambda: _rename(source, target))

    async def truncate(self, path: Path, size: int) -> None:
        """Cut and sync."""
        await self._bulk(lambda: _truncate(path, size))

    async def remove(self, path: Path) -> None:
        """Unlink; a missing file is fine."""
        await self._bulk(lambda: path.unlink(missing_ok=True))

    async def try_room(self, directory: Path, size: int) -> None:
        """Have blocks allocated for a file, which also asks quotas, and remove it."""
        await self._bulk(lambda: _try_room(directory, size))

    async def close(self) -> None:
        """End both threads after what they are doing."""
        self._sync_thread.close()
        self._bulk_thread.shutdown(wait=True)

    async def _bulk(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._bulk_thread, work)


class _AppendedFile:
    """One open file descriptor and the bytes that wait for the next sync."""

    def __init__(self, descriptor: int, thread: Aside) -> None:
        self._descriptor = descriptor
        self._thread = thread
        self._waiting: list[bytes] = []
        self._durable_bytes = os.fstat(descriptor).st_size

    def append(self, data: bytes) -> None:
        self._waiting.append(data)

    async def sync(self) -> None:
        waiting, self._waiting = self._waiting, []
        await self._thread.run(lambda: self._write(waiting))  # which goes on where who waits is cancelled

    async def close(self) -> None:
        self._waiting.clear()
        await self._thread.run(lambda: os.close(self._descriptor))

    def _write(self, waiting: list[bytes]) -> None:
        data = b"".join(waiting)
        try:
            _write_all(self._descriptor, data)
        except NoRoom:
            os.ftruncate(self._descriptor, self._durable_bytes)
            raise
        os.fdatasync(self._descriptor)
        self._durable_bytes += len(data)


@contextlib.contextmanager
def _telling_no_room() -> Iterator[None]:
    """Around everything that takes room, and around no sync: of those every error is final."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoRoom(*error.args) from None


def _open_locked(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fsync(descriptor)
        # After a sync that failed the kernel may hold what the disk does not, and call it clean: read what is there.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        _sync_directory(path.parent)
    except BlockingIOError:
        os.close(descriptor)
        raise DirectoryInUse(f"{path} is in use by another process: is this manager running already?") from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _replace(path: Path, chunks: Iterable[bytes]) -> None:
    temporary = path.with_name(path.name + UNFINISHED)
    with _telling_no_room():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            _write_all(descriptor, chunk)
        os.fsync(descriptor)
    except BaseException as error:
        if isinstance(error, NoRoom):
            error.size = size
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    finally:
        os.close(descriptor)
    _rename(temporary, path)


def _rename(source: Path, target: Path) -> None:
    source.replace(target)
    _sync_directory(target.parent)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _truncate(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try_room(directory: Path, size: int) -> None:
    path = directory / f"room{UNFINISHED}"
    try:
        with _telling_no_room():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size)
            finally:
                os.close(descriptor)
    finally:
        path.unlink(missing_ok=True)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    with _telling_no_room():
        while view:
            view = view[os.write(descriptor, view) :]
