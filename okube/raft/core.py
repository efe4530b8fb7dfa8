"""pysyncobj with our parts in place of its own: what a member is, and what leaves it.

The subclass reaches into ``pysyncobj.SyncObj`` 0.3.17 by its mangled names, which is why that version is pinned. Each
override says why it is there. What happens to a member is in ``okube.raft.engine``.
"""

import random
from enum import StrEnum
from typing import Any, Protocol

from pysyncobj import syncobj
from pysyncobj.config import SyncObjConf

from okube.raft.adapters import NoSerializer, Outlet, PeerNode, ShortLog, loop_time
from okube.raft.config import RaftConfig
from okube.raft.flow import Flow, in_pieces
from okube.raft.frames import Append, Appended, Body, VoteGranted
from okube.raft.journal import Command, Journal
from okube.raft.members import Membership, voters
from okube.raft.patience import Patience

__all__ = ["ROLES", "Core", "EngineHost", "Role"]


class Role(StrEnum):
    """What a member is in its term."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


ROLES = (Role.FOLLOWER, Role.CANDIDATE, Role.LEADER)
_LEADER = ROLES.index(Role.LEADER)


class EngineHost(Protocol):
    """What the engine needs from around it."""

    def send(self, peer: str, body: Body) -> None:
        """Send a frame of the current term now."""

    def promise(self, peer: str, body: Body) -> None:
        """Send a frame of the current term as soon as all of the journal so far is durable."""

    def understands(self, peer: str, kind: type[Body]) -> bool:
        """Whether a member knows such frames, as it has said itself."""

    def apply(self, index: int, term: int, payload: bytes) -> Any:
        """Apply a committed entry; never raises."""

    def needs_snapshot(self, peer: str) -> None:
        """The log does not reach back to where this follower is."""


class Core(syncobj.SyncObj):  # type: ignore[misc]
    """One member's Raft state. Built from a journal that is aligned with the state applied up to ``applied_index``."""

    _SyncObj__raftElectionDeadline: float
    _SyncObj__raftLog: Journal | ShortLog

    def __init__(
        self,
        *,
        name: str,
        journal: Journal,
        applied_index: int,
        config: RaftConfig,
        rng: random.Random,
        host: EngineHost,
    ) -> None:
        self._name = name
        self._journal = journal
        self._config = config
        self._rng = rng
        self._host = host
        self._nodes: dict[str, PeerNode] = {}  # of everyone who was ever heard of
        self._members: Membership = ()
        self._voters: tuple[str, ...] = ()
        self._flows: dict[str, Flow] = {}  # one for each other member
        self._up: set[str] = set()
        self._heard_leader_at = -config.election_s
        self._patience = Patience(config.election_s)
        super().__init__(PeerNode(name), [], self._conf(), transport=Outlet(self._outgoing))
        self._SyncObj__serializer = NoSerializer()
        self._SyncObj__raftLog = journal
        self._SyncObj__raftCurrentTerm = journal.getCurrentTerm()
        self._SyncObj__votedForNodeId = journal.getVotedForNodeId()
        self._SyncObj__raftCommitIndex = applied_index
        self._SyncObj__raftLastApplied = applied_index
        self._take_members()

    def _conf(self) -> SyncObjConf:
        config = self._config
        return SyncObjConf(
            autoTick=False,
            raftMinTimeout=config.election_s,
            raftMaxTimeout=2 * config.election_s,
            connectionTimeout=4 * config.election_s,  # not used by our transport; only checked
            appendEntriesPeriod=config.heartbeat_s,
            appendEntriesUseBatch=False,  # in its batch mode a commit waits for a tick and a heartbeat
            appendEntriesBatchSizeBytes=config.append_batch_bytes,
            commandsWaitLeader=False,
            onStateChanged=lambda old, new: self._role_changed(ROLES[old], ROLES[new]),
        )

    # What a member is.

    @property
    def role(self) -> Role:
        """Follower, candidate or leader."""
        return ROLES[self._SyncObj__raftState]

    @property
    def is_leader(self) -> bool:
        """Whether this member leads its term; the term may be over without its knowledge."""
        return bool(self._SyncObj__raftState == _LEADER)

    @property
    def is_ready_leader(self) -> bool:
        """Whether it leads and has applied an entry of its own term, so that it knows all that is committed."""
        return self.is_leader and self.applied_index >= self._SyncObj__noopIDx

    @property
    def term(self) -> int:
        """The highest term seen."""
        return int(self._SyncObj__raftCurrentTerm)

    @property
    def leader(self) -> str | None:
        """Who leads, as far as this member knows."""
        node = self._SyncObj__raftLeader
        return None if node is None else str(node.id)

    @property
    def standing(self) -> tuple[int, int, object]:
        """What it is, in which term, and under whom: to be compared with what it was."""
        return self._SyncObj__raftState, self._SyncObj__raftCurrentTerm, self._SyncObj__raftLeader

    @property
    def commit_index(self) -> int:
        """Entries up to here are committed."""
        return int(self._SyncObj__raftCommitIndex)

    @property
    def applied_index(self) -> int:
        """Entries up to here are applied."""
        return int(self._SyncObj__raftLastApplied)

    def match_index(self, peer: str) -> int:
        """What a leader knows to be durable at a follower."""
        return int(self._SyncObj__raftMatchIndex.get(self._node(peer), 0))

    def heard_at(self, peer: str) -> float | None:
        """When a leader last had an answer from a follower, on the loop's clock."""
        return self._SyncObj__lastResponseTime.get(self._node(peer)) if self.is_leader else None

    def is_connected(self, peer: str) -> bool:
        """Whether there is a link."""
        return peer in self._up

    @property
    def heard_leader_at(self) -> float:
        """When a follower last had a frame of its leader."""
        return self._heard_leader_at

    def hears_leader(self, now: float) -> bool:
        """Whether there is a leader that this member is in touch with (or is)."""
        if self.is_leader:
            return True
        return self.leader in self._up and now - self._heard_leader_at < self._patience.election_s(now)

    @property
    def members(self) -> Membership:
        """Who takes part, as of the end of the log: a change holds from the moment that it is appended."""
        return self._members

    @property
    def other_voters(self) -> tuple[str, ...]:
        """The other members that count for a majority."""
        return tuple(voter for voter in self._voters if voter != self._name)

    @property
    def votes(self) -> bool:
        """Whether this member counts: while it learns it asks for no election."""
        return self._name in self._voters

    def _take_members(self) -> None:
        """Follow the membership of the log; pysyncobj's own list is only for whom it sends entries to."""
        members = self._journal.members
        if members is self._members:
            return
        self._members = members
        self._voters = voters(members)
        others = [member.name for member in members if member.name != self._name]
        for peer in sorted(self._flows.keys() - others):
            del self._flows[peer]
            for book in (self._SyncObj__raftNextIndex, self._SyncObj__raftMatchIndex, self._SyncObj__lastResponseTime):
                book.pop(self._node(peer), None)
        for peer in sorted(others):
            if peer not in self._flows:
                self._flows[peer] = Flow(self._config.window_bytes)
                self._SyncObj__raftNextIndex[self._node(peer)] = self._journal.last_index + 1
                self._SyncObj__raftMatchIndex[self._node(peer)] = 0
                self._SyncObj__lastResponseTime[self._node(peer)] = loop_time()
        self._SyncObj__otherNodes = {self._node(peer) for peer in others}

    def _node(self, name: str) -> PeerNode:
        node = self._nodes.get(name)
        if node is None:
            node = self._nodes[name] = PeerNode(name)
        return node

    def _role_changed(self, old: Role, new: Role) -> None:
        """Called by pysyncobj when it changes its state."""

    # What it is given in place of pysyncobj's own.

    def _SyncObj__doApplyCommand(self, command: bytes) -> Any:  # noqa: N802
        """Bytes in, bytes out: pysyncobj would unpickle the command and call a method by its number."""
        if command[0] != Command.REGULAR:
            return None
        index = self.applied_index + 1
        term = self._journal.term_at(index)
        assert term is not None
        return self._host.apply(index, term, command[1:])

    def _SyncObj__generateRaftTimeout(self) -> float:  # noqa: N802
        """Chance comes from the seed: this is the only place where pysyncobj draws."""
        return self._patience.election_s(loop_time()) * (1 + self._rng.random())

    def _hand_on(self, node: PeerNode, **message: Any) -> None:
        self._SyncObj__onMessageReceived(node, message)

    # Out.

    def _SyncObj__sendAppendEntries(self) -> None:  # noqa: N802
        """Leave out followers with a full window: to pysyncobj they are not connected. They still get heartbeats."""
        linked = sorted(self._up & self._flows.keys())
        self._SyncObj__connectedNodes = {self._node(peer) for peer in linked if self._flows[peer].has_room}
        super()._SyncObj__sendAppendEntries()
        now = loop_time()
        for peer in linked:
            flow = self._flows[peer]
            if not flow.has_room and now - flow.last_sent_at >= self._config.heartbeat_s:
                previous = self._SyncObj__raftNextIndex[self._node(peer)] - 1
                self._send_append(peer, max(previous, self._journal.base_index), [])

    def _send_append(self, peer: str, prev_index: int, entries: list[tuple[int, bytes]]) -> None:
        prev_term = self._journal.term_at(prev_index)
        assert prev_term is not None
        self._host.send(peer, Append(prev_index, prev_term, self.commit_index, entries))
        flow = self._flows[peer]
        flow.told_commit = self.commit_index
        flow.sent(prev_index + len(entries), sum(len(command) for _, command in entries), loop_time())
        if not flow.has_room:
            self._SyncObj__connectedNodes.discard(self._node(peer))

    def _outgoing(self, peer: str, message: dict[str, Any]) -> None:
        """One of pysyncobj's dictionaries as one of our frames. It forwards no commands, so no others exist."""
        match message["type"]:
            case "append_entries" if "prevLogIdx" in message:
                entries = [(term, command) for command, _, term in message["entries"]]
                for first, piece in in_pieces(entries):
                    self._send_append(peer, message["prevLogIdx"] + first, piece)
            case "append_entries":
                self._send_beyond_log(peer)
            case "next_node_idx":
                self._host.promise(peer, self._appended(message))
            case "response_vote":
                self._host.promise(peer, VoteGranted())

    def _send_beyond_log(self, peer: str) -> None:
        """The follower is behind the log. Heartbeats start at the base, which it refuses until it has the snapshot."""
        self._host.needs_snapshot(peer)
        self._send_append(peer, self._journal.base_index, [])
        self._SyncObj__connectedNodes.discard(self._node(peer))  # else pysyncobj repeats it for a whole heartbeat

    def _appended(self, message: dict[str, Any]) -> Appended:
        next_index, success = message["next_node_idx"], message["success"]
        if not success and self._journal.base_index < next_index <= self._journal.last_index:
            # A conflict: pysyncobj goes back by one entry a round trip; the whole term can be skipped.
            next_index = self._journal.first_of_term_at(next_index)
        return Appended(next_index, success, message["reset"])
