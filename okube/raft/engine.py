"""pysyncobj's core, driven by us: it keeps the log, matches it with the leader's, votes and sends entries.

The subclass reaches into ``pysyncobj.SyncObj`` 0.3.17 by its mangled names, which is why that version is pinned. It
takes over the tick (elections, the commit rule with the own *synced* position, applying in slices) and translates
between pysyncobj's dictionaries and our frames. Each override says why it is there.
"""

import logging
import random
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Protocol

from pysyncobj import syncobj
from pysyncobj.config import SyncObjConf

from okube.raft.adapters import NoSerializer, Outlet, PeerNode, ShortLog, loop_time
from okube.raft.config import RaftConfig
from okube.raft.election import LogEnd, PreVoteRound, majority, majority_index, would_vote
from okube.raft.flow import Flow
from okube.raft.frames import Append, Appended, Body, PreVote, PreVoteGranted, VoteGranted, VoteRequest
from okube.raft.guard import Diverged, narrow
from okube.raft.journal import Command, Journal

__all__ = ["Engine", "EngineHost", "Role"]

logger = logging.getLogger(__name__)


class Role(StrEnum):
    """What a member is in its term."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


_ROLES = (Role.FOLLOWER, Role.CANDIDATE, Role.LEADER)
_LEADER = _ROLES.index(Role.LEADER)


class EngineHost(Protocol):
    """What the engine needs from around it."""

    def send(self, peer: str, body: Body) -> None:
        """Send a frame of the current term now."""

    def promise(self, peer: str, body: Body) -> None:
        """Send a frame of the current term as soon as all of the journal so far is durable."""

    def apply(self, index: int, term: int, payload: bytes) -> Any:
        """Apply a committed entry; never raises."""

    def needs_snapshot(self, peer: str) -> None:
        """The log does not reach back to where this follower is."""


class Engine(syncobj.SyncObj):  # type: ignore[misc]
    """One member's Raft state. Built from a journal that is aligned with the state applied up to ``applied_index``."""

    _SyncObj__raftElectionDeadline: float
    _SyncObj__raftLog: Journal | ShortLog

    def __init__(
        self,
        *,
        name: str,
        members: Iterable[str],
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
        self._peers = {peer: PeerNode(peer) for peer in sorted(members) if peer != name}
        self._flows = {peer: Flow(config.window_bytes) for peer in self._peers}
        self._up: set[str] = set()
        self._voters: set[str] = set()
        self._prevotes: PreVoteRound | None = None
        self._heard_leader_at = -config.election_s
        super().__init__(PeerNode(name), self._peers.values(), self._conf(), transport=Outlet(self._outgoing))
        self._SyncObj__serializer = NoSerializer()
        self._SyncObj__raftLog = journal
        self._SyncObj__raftCurrentTerm = journal.getCurrentTerm()
        self._SyncObj__votedForNodeId = journal.getVotedForNodeId()
        self._SyncObj__raftCommitIndex = applied_index
        self._SyncObj__raftLastApplied = applied_index

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
            onStateChanged=self._state_changed,
        )

    # What a member is.

    @property
    def role(self) -> Role:
        """Follower, candidate or leader."""
        return _ROLES[self._SyncObj__raftState]

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
    def commit_index(self) -> int:
        """Entries up to here are committed."""
        return int(self._SyncObj__raftCommitIndex)

    @property
    def applied_index(self) -> int:
        """Entries up to here are applied."""
        return int(self._SyncObj__raftLastApplied)

    def match_index(self, peer: str) -> int:
        """What a leader knows to be durable at a follower."""
        return int(self._SyncObj__raftMatchIndex.get(self._peers[peer], 0))

    def heard_at(self, peer: str) -> float | None:
        """When a leader last had an answer from a follower, on the loop's clock."""
        return self._SyncObj__lastResponseTime.get(self._peers[peer]) if self.is_leader else None

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
        return self.leader in self._up and now - self._heard_leader_at < self._config.election_s

    # What happens to it.

    def tick(self, now: float) -> None:
        """Look at the timers, commit, apply. Replaces pysyncobj's own tick.

        That one counts the leader's log in the majority before it is durable, campaigns without asking first, loads and
        dumps pickles and polls for sockets.
        """
        if self.is_leader:
            self._advance_commit()
            self._fall_back(now)
        else:
            self._watch_leader(now)
        applied = self._apply_some(now)
        if self.is_leader and (applied or now > self._SyncObj__newAppendEntriesTime):
            self._SyncObj__sendAppendEntries()

    @property
    def has_more_to_apply(self) -> bool:
        """Whether the last tick ran out of its budget."""
        return self.applied_index < self.commit_index

    def append(self, payload: bytes, callback: Callable[[Any, int], None]) -> int:
        """Append an entry as the leader, and send it; its index. The callback gets what ``apply`` returned."""
        self._applyCommand(payload, callback, Command.REGULAR)
        self._checkCommandsToApply()
        return self._journal.last_index

    def receive(self, sender: str, term: int, body: Body) -> None:
        """Handle a frame of another member; those that are none of the engine's only bring their term."""
        node = self._peers[sender]
        if term > self.term:
            self._observe(node, term)
        match body:
            case Append():
                self._receive_append(node, term, body)
            case Appended() if term == self.term and self.is_leader:
                self._receive_appended(node, body)
            case VoteRequest() if term == self.term:
                message = {"last_log_index": body.last_index, "last_log_term": body.last_term}
                self._hand_on(node, type="request_vote", term=term, **message)
            case VoteGranted() if term == self.term and sender not in self._voters:
                self._voters.add(sender)  # votes are collected; pysyncobj would count one twice
                self._hand_on(node, type="response_vote", term=term)
            case PreVote():
                self._receive_prevote(sender, body)
            case PreVoteGranted() if self._prevotes is not None and self._prevotes.agree(sender, body.next_term):
                self._campaign()

    def connected(self, peer: str) -> None:
        """A new link is up: what was on its way on an old one is gone, so the leader sends it again."""
        self._up.add(peer)
        self._flows[peer].restart()
        node = self._peers[peer]
        if not self.is_leader:
            return
        if self.match_index(peer) > 0:
            self._SyncObj__raftNextIndex[node] = self.match_index(peer) + 1
        self._SyncObj__newAppendEntriesTime = 0.0  # with the next tick, not with the next heartbeat

    def disconnected(self, peer: str) -> None:
        """The link is down. If it was the leader's, its process may be dead: ask the others soon, not all at once."""
        self._up.discard(peer)
        self._flows[peer].restart()
        if self.leader == peer:
            soon = loop_time() + self._config.election_s * (0.1 + 0.5 * self._rng.random())
            self._SyncObj__raftElectionDeadline = min(soon, self._SyncObj__raftElectionDeadline)

    def installed(self, index: int) -> None:
        """The state was replaced by a snapshot up to ``index``, and the journal starts there or holds it."""
        self._SyncObj__raftLastApplied = index
        self._SyncObj__raftCommitIndex = max(index, self.commit_index)

    # Elections.

    def _watch_leader(self, now: float) -> None:
        if self._SyncObj__raftElectionDeadline >= now:
            return
        self._SyncObj__raftElectionDeadline = now + self._SyncObj__generateRaftTimeout()
        self._SyncObj__raftLeader = None
        if not self._peers:
            self._campaign()
            return
        self._prevotes = PreVoteRound(self.term + 1, self._name, len(self._peers) + 1)
        end = self._log_end
        for peer in self._peers:
            self._host.send(peer, PreVote(self.term + 1, end.last_index, end.last_term))

    @property
    def _log_end(self) -> LogEnd:
        return LogEnd(self._journal.last_term, self._journal.last_index)

    def _receive_prevote(self, sender: str, asked: PreVote) -> None:
        hears_leader = self.hears_leader(loop_time())
        if would_vote(asked, own_term=self.term, own_end=self._log_end, hears_leader=hears_leader):
            self._host.send(sender, PreVoteGranted(asked.next_term))

    def _campaign(self) -> None:
        """As pysyncobj's tick does it; the requests wait for the sync of the term and of the own vote."""
        self._prevotes = None
        self._voters = {self._name}
        self._SyncObj__raftElectionDeadline = loop_time() + self._SyncObj__generateRaftTimeout()
        self._SyncObj__raftLeader = None
        self._SyncObj__setState(_ROLES.index(Role.CANDIDATE))
        self._SyncObj__setCurrentTerm(self.term + 1, self._name)
        self._SyncObj__votesCount = 1
        end = self._log_end
        for peer in self._peers:
            self._host.promise(peer, VoteRequest(end.last_index, end.last_term))
        if not self._peers:
            self._SyncObj__onBecomeLeader()

    def _observe(self, node: PeerNode, term: int) -> None:
        """Take a higher term. pysyncobj learns terms from vote requests only, so it is shown one that cannot win."""
        self._prevotes = None
        self._hand_on(node, type="request_vote", term=term, last_log_index=-1, last_log_term=-1)

    def _state_changed(self, old: int, new: int) -> None:
        if _ROLES[old] is Role.LEADER:
            # Its deadline is from before it led; without a new one it would campaign at once.
            self._SyncObj__raftElectionDeadline = loop_time() + self._SyncObj__generateRaftTimeout()
            self._SyncObj__commandsWaitingCommit.clear()
        if _ROLES[new] is Role.LEADER:
            self._prevotes = None
            for flow in self._flows.values():
                flow.restart()

    def _fall_back(self, now: float) -> None:
        """A leader that a majority does not answer steps down."""
        answered = self._SyncObj__lastResponseTime
        since = now - self._config.leader_fallback_s
        heard = 1 + sum(answered[node] > since for node in self._peers.values())
        if heard < majority(len(self._peers) + 1):
            logger.warning("no majority answers in term %d any more: this manager no longer leads", self.term)
            self._SyncObj__setState(_ROLES.index(Role.FOLLOWER))
            self._SyncObj__raftLeader = None

    # Log.

    def _advance_commit(self) -> None:
        """Raft's rule, with what is durable here instead of what is only in memory."""
        reached = majority_index([self._journal.synced_index, *map(self.match_index, self._peers)])
        if reached > self.commit_index and self._journal.term_at(reached) == self.term:
            self._SyncObj__raftCommitIndex = reached

    def _apply_some(self, now: float) -> bool:
        """Apply entry by entry until the budget is used up, so that a long log does not stop the loop."""
        commit_index = self.commit_index
        before = self.applied_index
        until = now + self._config.apply_budget_ms / 1000
        try:
            while self.applied_index < commit_index and (self.applied_index == before or loop_time() < until):
                self._SyncObj__raftCommitIndex = self.applied_index + 1
                self._SyncObj__applyLogEntries()
        finally:
            self._SyncObj__raftCommitIndex = commit_index
        return self.applied_index > before

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
        return self._config.election_s * (1 + self._rng.random())

    def _receive_append(self, node: PeerNode, term: int, body: Append) -> None:
        if term < self.term:
            self._host.promise(node.id, Appended(0, success=False, reset=False))  # the term in it deposes the sender
            return
        if self.is_leader:
            raise Diverged(f"{node.id} and this manager both lead term {term}")
        commit_index = self.commit_index
        narrowed = narrow(self._journal, body.prev_index, body.prev_term, body.entries, commit_index=commit_index)
        entries = [
            (command, index, entry_term)
            for index, (entry_term, command) in enumerate(narrowed.entries, start=narrowed.prev_index + 1)
        ]
        self._heard_leader_at = loop_time()
        self._prevotes = None
        if narrowed.end is not None:
            self._SyncObj__raftLog = ShortLog(self._journal, narrowed.end)
        try:
            self._hand_on(
                node,
                type="append_entries",
                term=term,
                commit_index=body.commit_index,
                entries=entries,
                prevLogIdx=narrowed.prev_index,
                prevLogTerm=narrowed.prev_term,
            )
        finally:
            self._SyncObj__raftLog = self._journal
        # Before a short log pysyncobj moves its commit index back; what is committed stays so.
        self._SyncObj__raftCommitIndex = max(commit_index, self.commit_index)

    def _receive_appended(self, node: PeerNode, body: Appended) -> None:
        if not 1 <= body.next_index <= self._journal.last_index + 1:
            raise Diverged(f"{node.id} acknowledged entry {body.next_index - 1}, which this leader does not have")
        flow = self._flows[node.id]
        if body.reset:
            flow.restart()
        if body.success:
            flow.acknowledged(body.next_index)
        next_index = self._SyncObj__raftNextIndex[node]
        self._hand_on(node, type="next_node_idx", next_node_idx=body.next_index, success=body.success, reset=body.reset)
        if body.success and not body.reset:
            # pysyncobj goes back to what was acknowledged, and would send again what is on its way.
            self._SyncObj__raftNextIndex[node] = max(next_index, body.next_index)

    def _hand_on(self, node: PeerNode, **message: Any) -> None:
        self._SyncObj__onMessageReceived(node, message)

    # Out.

    def _SyncObj__sendAppendEntries(self) -> None:  # noqa: N802
        """Leave out followers with a full window: to pysyncobj they are not connected. They still get heartbeats."""
        self._SyncObj__connectedNodes = {self._peers[peer] for peer in self._up if self._flows[peer].has_room}
        super()._SyncObj__sendAppendEntries()
        now = loop_time()
        for peer in sorted(self._up):
            flow = self._flows[peer]
            if not flow.has_room and now - flow.last_sent_at >= self._config.heartbeat_s:
                previous = self._SyncObj__raftNextIndex[self._peers[peer]] - 1
                self._send_append(peer, max(previous, self._journal.base_index), [])

    def _send_append(self, peer: str, prev_index: int, entries: list[tuple[int, bytes]]) -> None:
        prev_term = self._journal.term_at(prev_index)
        assert prev_term is not None
        self._host.send(peer, Append(prev_index, prev_term, self.commit_index, entries))
        flow = self._flows[peer]
        flow.sent(prev_index + len(entries), sum(len(command) for _, command in entries), loop_time())
        if not flow.has_room:
            self._SyncObj__connectedNodes.discard(self._peers[peer])

    def _outgoing(self, peer: str, message: dict[str, Any]) -> None:
        """One of pysyncobj's dictionaries as one of our frames. It forwards no commands, so no others exist."""
        match message["type"]:
            case "append_entries" if "prevLogIdx" in message:
                entries = [(term, command) for command, _, term in message["entries"]]
                self._send_append(peer, message["prevLogIdx"], entries)
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
        self._SyncObj__connectedNodes.discard(self._peers[peer])  # else pysyncobj repeats it for a whole heartbeat

    def _appended(self, message: dict[str, Any]) -> Appended:
        next_index, success = message["next_node_idx"], message["success"]
        if not success and self._journal.base_index < next_index <= self._journal.last_index:
            # A conflict: pysyncobj goes back by one entry a round trip; the whole term can be skipped.
            next_index = self._journal.first_of_term_at(next_index)
        return Appended(next_index, success, message["reset"])
