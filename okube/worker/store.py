"""What the agent stores before it acts: the fence, the assignment, and what it remembers of each task.

A few files, each written anew beside the old one, synced and renamed over it, so that a crash leaves the old one or the
new one whole. A frame with a checksum finds damage of other kinds, and what is damaged is never taken for "nothing was
there": without its fence the agent obeys nobody until a manager has told the epoch again, without its assignment it
leaves all containers as they are until the whole one comes, without its memory it judges ended containers by their
policy, as if it saw them for the first time.
"""

import asyncio
import logging
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from okube.model.epoch import Epoch
from okube.model.wire import AssignedTask
from okube.worker.assignments import Holdings
from okube.worker.memory import TaskMemory

__all__ = ["StateFiles", "Store", "Stored", "stored_address"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

FENCE = "epoch"
ASSIGNMENT = "assignment"
MEMORY = "tasks"
MANAGERS = "managers"
ADDRESS = "address"
LEFT = "left-managers"
_MAGIC = b"okube-state/1\n"


class StateFiles(Protocol):
    """The part of ``okube.seams.disk.Disk`` that the store needs."""

    async def read(self, path: Path) -> bytes:
        """The whole file; raises FileNotFoundError."""

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Replace the whole file; on return it survives a loss of power, and a crash before leaves the old one."""


class _StoredAssignment(msgspec.Struct, frozen=True, array_like=True):
    epoch: Epoch
    revision: int
    tasks: tuple[AssignedTask, ...]
    ended: tuple[str, ...]


class Stored(msgspec.Struct, frozen=True):
    """All that was stored."""

    holdings: Holdings
    memories: dict[str, TaskMemory]
    managers: tuple[str, ...] = ()
    address: str = ""
    left_managers: tuple[str, ...] = ()


class Store:
    """Reads and writes the agent's state; each file is written by one writer at a time, the newest content last.

    Args:
        disk: where the files are.
        directory: an existing folder that is the agent's alone.
    """

    def __init__(self, disk: StateFiles, directory: Path) -> None:
        self._disk = disk
        self._directory = directory
        self._locks: dict[str, asyncio.Lock] = {}
        self._newest: dict[str, bytes] = {}
        self._written: dict[str, bytes] = {}

    async def load(self) -> Stored:
        """What was stored last; damage is logged, and what it means for the agent is part of the answer.

        Raises:
            OSError: the files are there and cannot be read.
        """
        fence, fence_lost = await self._load(FENCE, Epoch)
        assignment, assignment_lost = await self._load(ASSIGNMENT, _StoredAssignment)
        memories, _ = await self._load(MEMORY, dict[str, TaskMemory])
        managers, _ = await self._load(MANAGERS, tuple[str, ...])
        address, _ = await self._load(ADDRESS, str)
        left, _ = await self._load(LEFT, tuple[str, ...])
        if fence is None and (assignment is not None or assignment_lost):
            fence_lost = True
        if fence_lost:
            logger.error(
                "The stored epoch is damaged or gone: this agent obeys no manager until one has answered a heartbeat; "
                "containers go on"
            )
        if assignment_lost:
            logger.error("The stored assignment is damaged: containers stay as they are until a manager sends it whole")
        holdings = Holdings(fence=None if fence_lost else fence or Epoch())
        if assignment is not None:
            holdings = Holdings(
                fence=None if fence is None else max(fence, assignment.epoch),
                assigned=True,
                epoch=assignment.epoch,
                revision=assignment.revision,
                tasks={task.id: task for task in assignment.tasks},
                ended=frozenset(assignment.ended),
            )
        return Stored(holdings, memories or {}, managers or (), address or "", left or ())

    async def save_fence(self, fence: Epoch) -> None:
        """Store the highest epoch seen; raises OSError."""
        await self._save(FENCE, fence)

    async def save_assignment(self, holdings: Holdings) -> None:
        """Store the fence, then the assignment; raises OSError."""
        await self._save(FENCE, holdings.fence)
        stored = _StoredAssignment(
            holdings.epoch, holdings.revision, tuple(holdings.tasks.values()), tuple(sorted(holdings.ended))
        )
        await self._save(ASSIGNMENT, stored)

    async def save_memories(self, memories: dict[str, TaskMemory]) -> None:
        """Store what is remembered of all tasks; raises OSError."""
        await self._save(MEMORY, memories)

    async def save_managers(self, managers: tuple[str, ...]) -> None:
        """Store where managers were said to be; raises OSError."""
        await self._save(MANAGERS, managers)

    async def save_left_managers(self, instances: tuple[str, ...]) -> None:
        """Store which managers are none any more; raises OSError."""
        await self._save(LEFT, instances)

    async def save_address(self, address: str) -> None:
        """Store where the node is reached, as the cluster says; raises OSError."""
        await self._save(ADDRESS, address)

    async def _load(self, name: str, kind: type[T]) -> tuple[T | None, bool]:
        try:
            data = await self._disk.read(self._directory / name)
        except FileNotFoundError:
            return None, False
        try:
            value = msgspec.msgpack.decode(_unframe(data), type=kind)
        except (ValueError, msgspec.MsgspecError) as error:
            logger.error("The state file %r is damaged (%s)", name, error)
            return None, True
        self._written[name] = data
        return value, False

    async def _save(self, name: str, value: object) -> None:
        """Write the newest content; callers that wait for one writer share the write that follows it."""
        self._newest[name] = _frame(msgspec.msgpack.encode(value))
        async with self._locks.setdefault(name, asyncio.Lock()):
            newest = self._newest[name]
            if self._written.get(name) != newest:
                self._written.pop(name, None)  # unknown until the write has returned
                await self._disk.replace(self._directory / name, [newest])
                self._written[name] = newest


def stored_address(state_directory: Path) -> str:
    """Where the cluster has said that the node of this folder is reached; empty where it has not, or who knows."""
    try:
        return msgspec.msgpack.decode(_unframe((state_directory / "agent" / ADDRESS).read_bytes()), type=str)
    except (OSError, ValueError, msgspec.MsgspecError):
        return ""


def _frame(body: bytes) -> bytes:
    return _MAGIC + zlib.crc32(body).to_bytes(4, "big") + body


def _unframe(data: bytes) -> bytes:
    if not data.startswith(_MAGIC):
        raise ValueError("it does not start as a state file does")
    checksum, body = data[len(_MAGIC) : len(_MAGIC) + 4], data[len(_MAGIC) + 4 :]
    if checksum != zlib.crc32(body).to_bytes(4, "big"):
        raise ValueError("its checksum does not match")
    return body
