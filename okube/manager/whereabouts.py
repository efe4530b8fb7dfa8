"""Where managers are is in the log's membership; each follows it with its own sockets and with ``cluster.json``.

So a manager that is readdressed hears of it from the log, listens there from then on, and finds its place again after a
restart; and every machine with a manager knows where all of them are, whoever was asked to change it.

Managers that find each other no more, because too many machines got other addresses at once, are told by
``moves.json`` beside ``cluster.json``: what stands there counts until the log says the same, and whoever leads sees to
that.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from okube.model.errors import BadFile, OkubeError
from okube.raft import Member, RaftNode
from okube.security import ClusterFiles
from okube.security.private import write_public
from okube.security.seed import Member as SeedMember
from okube.security.seed import read_seed, write_seed

__all__ = ["Move", "Place", "Whereabouts", "in_seed", "read_moves", "write_moves"]

_log = logging.getLogger(__name__)
_RETRY_S = 1.0
_CHANGE_TIMEOUT_S = 5.0
Place = tuple[str, int]


class Move(msgspec.Struct, frozen=True):
    """Where a manager is now: for clients, and for other managers (``host:port``)."""

    address: str
    raft_address: str


def read_moves(data_dir: Path | None) -> dict[str, Move]:
    """What was told offline and is not in the log yet.

    Raises:
        BadFile: the file is damaged.
    """
    if data_dir is None:
        return {}
    path = _moves_file(data_dir)
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Move])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise BadFile(f"{path} cannot be read ({error}): repeat 'okube managers readdress --offline'") from error


def write_moves(data_dir: Path, moves: Mapping[str, Move]) -> None:
    """Keep what was told; nothing, where the log says the same by now."""
    path = _moves_file(data_dir)
    if moves:
        write_public(path, msgspec.json.format(msgspec.json.encode(moves), indent=2) + b"\n")
    else:
        path.unlink(missing_ok=True)


class Whereabouts:
    """Follows the membership as far as it is committed.

    Args:
        raft: this manager's.
        here: where it listens now: for clients, and for other managers.
        move: has it listen elsewhere, with the same two places; raises OSError.
        moved: called when it does.
        moves: what was told offline.
        data_dir: the cluster's folder on this machine; None: there is none.
        cluster_id: of the cluster.
    """

    def __init__(
        self,
        raft: RaftNode,
        *,
        here: tuple[Place, Place],
        move: Callable[[Place, Place], Awaitable[None]],
        moved: Callable[[], None],
        moves: Mapping[str, Move],
        data_dir: Path | None,
        cluster_id: str,
    ) -> None:
        self._raft = raft
        self._here = here
        self._move = move
        self._moved = moved
        self._moves = dict(moves)
        self._data_dir = data_dir
        self._cluster_id = cluster_id
        self._looked_at = -1
        self._changed = asyncio.Event()
        raft.subscribe_applied(lambda _: self._look())

    async def run(self) -> None:
        """Until cancelled."""
        self._looked_at = -1
        self._look()
        while True:
            await self._wait(None if self._is_settled else _RETRY_S)
            self._changed.clear()
            self._drop_what_is_known()
            await self._tell()
            members = [self._now(member) for member in self._raft.members]
            self._remember(members)
            own = next((member for member in members if member.name == self._raft.name), None)
            if own is not None:
                await self._follow(own)

    @property
    def _is_settled(self) -> bool:
        own = next((self._now(member) for member in self._raft.members if member.name == self._raft.name), None)
        return not self._moves and (own is None or _places(own) == self._here)

    async def _wait(self, timeout_s: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()

    def _look(self) -> None:
        index = self._raft.members_index
        if index != self._looked_at and index <= self._raft.commit_index:
            self._looked_at = index
            self._changed.set()

    def _now(self, member: Member) -> Member:
        """A member where it is now, as far as is known here."""
        move = self._moves.get(member.name)
        if move is None:
            return member
        return msgspec.structs.replace(member, raft_address=move.raft_address, api_address=move.address)

    def _drop_what_is_known(self) -> None:
        """What the log says too need not be kept beside it; nor what is about a manager that is none any more."""
        if not self._moves or self._raft.members_index > self._raft.commit_index:
            return
        differing = {member.name for member in self._raft.members if self._now(member) != member}
        if differing != self._moves.keys() and self._data_dir is not None:
            self._moves = {name: move for name, move in self._moves.items() if name in differing}
            write_moves(self._data_dir, self._moves)

    async def _tell(self) -> None:
        """Who leads puts what was told offline into the log."""
        for name, move in list(self._moves.items()):
            if not self._raft.is_ready_leader:
                return
            try:
                await self._raft.membership.readdress(
                    name, raft_address=move.raft_address, api_address=move.address, timeout_s=_CHANGE_TIMEOUT_S
                )
                _log.info("manager %s is at %s from now on, as was told offline", name, move.address)
            except OkubeError as error:
                _log.warning("the new address of %s is not in the log yet: %s", name, error)

    async def _follow(self, own: Member) -> None:
        """Listen where the others look for it."""
        wanted = _places(own)
        if wanted == self._here:
            return
        try:
            await self._move(*wanted)
        except OSError as error:
            _log.warning("cannot listen at %s and %s yet, trying again: %s", own.api_address, own.raft_address, error)
            return
        self._here = wanted
        self._moved()
        _log.info("manager %s serves at %s now, and other managers at %s", own.name, own.api_address, own.raft_address)

    def _remember(self, members: list[Member]) -> None:
        """Bring cluster.json up to date, which other processes of this machine and the next start read."""
        if self._data_dir is None or self._raft.members_index > self._raft.commit_index:
            return
        path = ClusterFiles(self._data_dir).seed
        try:
            seed = read_seed(path)
            told = tuple(in_seed(member) for member in members)
            if seed.cluster_id == self._cluster_id and seed.members != told:
                write_seed(path, msgspec.structs.replace(seed, members=told))
        except (BadFile, OSError) as error:
            _log.warning("cannot keep where the managers are in %s: %s", path, error)


def in_seed(member: Member) -> SeedMember:
    """A member as cluster.json has it."""
    host, port = _place(member.api_address)
    return SeedMember(member.name, member.instance, host, port, _place(member.raft_address)[1])


def _moves_file(data_dir: Path) -> Path:
    return ClusterFiles(data_dir).seed.with_name("moves.json")


def _places(member: Member) -> tuple[Place, Place]:
    return _place(member.api_address), _place(member.raft_address)


def _place(address: str) -> Place:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
