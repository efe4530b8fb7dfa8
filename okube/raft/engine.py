"""pysyncobj's core, driven by us: it keeps the log, matches it with the leader's, votes and sends entries.

Frames come in by ``receive``, time by ``tick``: elections with a question before them, the commit rule with the own
*synced* position, members that come and go, applying in slices. Majorities are counted here, of those that vote. What a
member is, and what leaves it, is in ``okube.raft.core``.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

from okube.raft.adapters import PeerNode, ShortLog, loop_time
from okube.raft.catchup import CatchUp
from okube.raft.changes import promoted
from okube.raft.core import ROLES, Core, Role
from okube.raft.election import LogEnd, PreVoteRound, majority, majority_index, would_vote
from okube.raft.frames import Append, Appended, Body, PreVote, PreVoteGranted, TakeOver, VoteGranted, VoteRequest
from okube.raft.guard import Diverged, narrow
from okube.raft.handover import Handover
from okube.raft.journal import Command
from okube.raft.members import Membership, encode_membership

__all__ = ["Engine"]

logger = logging.getLogger(__name__)

# When the leader's process ended, in parts of the election time-out: who asks first goes by name, and asks again and
# again for a while, because the others may learn of it later.
_ASK_APART, _ASK_AGAIN, _ASK_OFTEN = 0.15, 0.06, 0.4


class Engine(Core):
    """One member's Raft state and what happens to it. See ``Core`` for what it is built from."""

    def __init__(self, **parts: Any) -> None:
        self._votes: set[str] = set()
        self._prevotes: PreVoteRound | None = None
        self._handover: Handover | None = None
        super().__init__(**parts)
        self._catch_up = CatchUp(self._config.election_s)
        self._asks_often_until = 0.0

    def tick(self, now: float) -> None:
        """Look at the timers, commit, apply. Replaces pysyncobj's own tick.

        That one counts the leader's log in the majority before it is durable, campaigns without asking first, loads and
        dumps pickles and polls for sockets.
        """
        if self.is_leader:
            self._advance_commit()
            self._fall_back(now)
            self._go_on_handing_over(now)
            self._let_learner_vote(now)
        else:
            self._watch_leader(now)
        self._apply_some(now)
        if self.is_leader and now > self._SyncObj__newAppendEntriesTime:
            self._SyncObj__sendAppendEntries()

    @property
    def has_commit_to_tell(self) -> bool:
        """Whether a follower does not know yet all that this leader has committed, and could make use of it.

        One that is behind the log refuses whatever it is told until it has the snapshot, so heartbeats do for it: told
        anew after each refusal, it and the leader would speak as fast as their link allows.
        """
        return self.has_to_tell(self.commit_index)

    def has_to_tell(self, index: int) -> bool:
        """The same of what this leader had committed up to ``index``."""
        if not self.is_leader:
            return False
        linked = ((peer, flow) for peer, flow in self._flows.items() if peer in self._up)
        untold = [peer for peer, flow in linked if flow.has_room and flow.told_commit < index]
        return any(self._SyncObj__raftNextIndex[self._node(peer)] > self._journal.base_index for peer in untold)

    def tell_commit(self) -> None:
        """Tell them, if entries that were proposed meanwhile have not done so: that is half of all messages."""
        if self.has_commit_to_tell:
            self._SyncObj__sendAppendEntries()

    def quiet_until(self, now: float) -> float:
        """The moment of the next time-out: before it, ``tick`` has nothing to do unless something arrives."""
        if not self.is_leader:
            return float(self._SyncObj__raftElectionDeadline)
        if self._handover is not None or len(self._voters) != len(self._members):
            return now  # what is watched at each tick
        return min(float(self._SyncObj__newAppendEntriesTime), self._falls_back_at())

    @property
    def has_more_to_apply(self) -> bool:
        """Whether the last tick ran out of its budget."""
        return self.applied_index < self.commit_index

    def append(self, payload: bytes, callback: Callable[[Any, int], None]) -> int:
        """Append an entry as the leader, and send it; its index. The callback gets what ``apply`` returned."""
        self._applyCommand(payload, callback, Command.REGULAR)
        self._checkCommandsToApply()
        return self._journal.last_index

    @property
    def may_change_members(self) -> bool:
        """Whether this leader knows all that is committed, and the change before is: one at a time."""
        return self.is_ready_leader and self.hands_over_to is None and self._journal.members_index <= self.commit_index

    def change_members(self, members: Membership, callback: Callable[[Any, int], None]) -> int:
        """Append a membership that differs by one member or its addresses, as the leader, when it may; its index."""
        assert self.may_change_members
        assert len(set(self._voters) ^ {member.name for member in members if member.voter}) <= 1
        index = self._journal.last_index + 1
        self._journal.add(bytes([Command.MEMBERSHIP]) + encode_membership(members), index, self.term)
        self._SyncObj__commandsWaitingCommit[index].append((self.term, callback))
        self._take_members()  # before it is sent: who leaves must not have it, for it could not lead with it any more
        self._SyncObj__sendAppendEntries()
        return index

    def answering(self, now: float) -> list[str]:
        """The members that this leader hears, itself included."""
        answered = self._SyncObj__lastResponseTime
        since = now - self._config.election_s
        heard = [peer for peer in self._flows if peer in self._up and answered.get(self._node(peer), 0.0) > since]
        return [self._name, *heard]

    def receive(self, sender: str, term: int, body: Body) -> None:
        """Handle a frame of another member; those that are none of the engine's only bring their term."""
        node = self._node(sender)
        if term > self.term:
            self._observe(node, term)
        match body:
            case Append():
                self._receive_append(node, term, body)
            case Appended() if term == self.term and self.is_leader and sender in self._flows:
                self._receive_appended(node, body)
            case VoteRequest() if term == self.term:
                message = {"last_log_index": body.last_index, "last_log_term": body.last_term}
                self._hand_on(node, type="request_vote", term=term, **message)
            case VoteGranted() if term == self.term and self.role is Role.CANDIDATE:
                self._receive_vote(sender)
            case PreVote():
                self._receive_prevote(sender, body)
            case PreVoteGranted() if self._prevotes is not None and self._agrees(sender, body.next_term):
                self._campaign()
            case TakeOver() if term == self.term and sender == self.leader:
                logger.info("%s hands the lead over", sender)
                self._campaign()

    def hand_over(self, to: str, until: float) -> None:
        """Begin to hand the lead over to a member; see ``hands_over_to`` for whether that still goes on."""
        self._handover = Handover(to, until=until, again_s=self._config.heartbeat_s)

    @property
    def hands_over_to(self) -> str | None:
        """To whom this leader is handing over, until it gives up or leads no more; it appends nothing meanwhile."""
        return None if self._handover is None else self._handover.to

    def successor(self, now: float) -> str | None:
        """Who could lead next: of the members that answer now, and can be told to, the one with the most of the log."""
        fit = sorted(set(self.answering(now)) & set(self.other_voters))
        fit = [peer for peer in fit if self._host.understands(peer, TakeOver)]
        return max(fit, key=self.match_index, default=None)

    def connected(self, peer: str) -> None:
        """A new link is up: what was on its way on an old one is gone, so the leader sends it again."""
        self._up.add(peer)
        node = self._node(peer)
        if peer in self._flows:
            self._flows[peer].restart()
        if not self.is_leader or peer not in self._flows:
            return
        if self.match_index(peer) > 0:
            self._SyncObj__raftNextIndex[node] = self.match_index(peer) + 1
        self._SyncObj__newAppendEntriesTime = 0.0  # with the next tick, not with the next heartbeat

    def disconnected(self, peer: str, *, closed: bool = True) -> None:
        """The link is down. If the leader closed it, its process ended: ask the others now, and not all at once.

        They agree where the leader closed their links as well; a link that is only silent is left to the election
        time-out.
        """
        self._up.discard(peer)
        if peer in self._flows:
            self._flows[peer].restart()
        if closed and self.leader == peer:
            place = sum(other < self._name for other in self.other_voters if other != peer)
            ask_at = loop_time() + self._config.election_s * _ASK_APART * place
            self._SyncObj__raftElectionDeadline = min(ask_at, self._SyncObj__raftElectionDeadline)
            self._asks_often_until = ask_at + self._config.election_s * _ASK_OFTEN

    def installed(self, index: int) -> None:
        """The state was replaced by a snapshot up to ``index``, and the journal starts there or holds it."""
        self._SyncObj__raftLastApplied = max(index, self.applied_index)
        self._SyncObj__raftCommitIndex = max(index, self.commit_index)
        self._take_members()

    # Elections.

    def _watch_leader(self, now: float) -> None:
        if self._SyncObj__raftElectionDeadline >= now:
            return
        often = now < self._asks_often_until  # the others may hear of it a moment later
        again_s = self._config.election_s * _ASK_AGAIN if often else self._SyncObj__generateRaftTimeout()
        self._SyncObj__raftElectionDeadline = now + again_s
        self._SyncObj__raftLeader = None
        if not self.votes:
            return
        if not self.other_voters:
            self._campaign()
            return
        self._prevotes = PreVoteRound(self.term + 1, self._name, len(self._voters))
        end = self._log_end
        for peer in sorted(self.other_voters):
            self._host.send(peer, PreVote(self.term + 1, end.last_index, end.last_term))

    @property
    def _log_end(self) -> LogEnd:
        return LogEnd(self._journal.last_term, self._journal.last_index)

    def _receive_prevote(self, sender: str, asked: PreVote) -> None:
        hears_leader = self.hears_leader(loop_time())
        if would_vote(asked, own_term=self.term, own_end=self._log_end, hears_leader=hears_leader):
            meanwhile = loop_time() + self._config.election_s * _ASK_APART  # two candidates at once share the votes
            self._SyncObj__raftElectionDeadline = max(self._SyncObj__raftElectionDeadline, meanwhile)
            self._host.send(sender, PreVoteGranted(asked.next_term))

    def _agrees(self, sender: str, next_term: int) -> bool:
        """Count an answer to the question; whether it was the one that was missing."""
        return sender in self._voters and self._prevotes is not None and self._prevotes.agree(sender, next_term)

    def _receive_vote(self, sender: str) -> None:
        """Votes are collected, of those that count; pysyncobj would count one twice, and those of learners too."""
        if sender in self._voters:
            self._votes.add(sender)
        if len(self._votes.intersection(self._voters)) >= majority(len(self._voters)):
            self._SyncObj__onBecomeLeader()

    def _campaign(self) -> None:
        """As pysyncobj's tick does it; the requests wait for the sync of the term and of the own vote."""
        self._prevotes = None
        self._votes = {self._name}
        self._SyncObj__raftElectionDeadline = loop_time() + self._SyncObj__generateRaftTimeout()
        self._SyncObj__raftLeader = None
        self._SyncObj__setState(ROLES.index(Role.CANDIDATE))
        self._SyncObj__setCurrentTerm(self.term + 1, self._name)
        end = self._log_end
        for peer in sorted(self.other_voters):
            self._host.promise(peer, VoteRequest(end.last_index, end.last_term))
        if not self.other_voters:
            self._SyncObj__onBecomeLeader()

    def _observe(self, node: PeerNode, term: int) -> None:
        """Take a higher term. pysyncobj learns terms from vote requests only, so it is shown one that cannot win."""
        self._prevotes = None
        self._hand_on(node, type="request_vote", term=term, last_log_index=-1, last_log_term=-1)

    def _role_changed(self, old: Role, new: Role) -> None:
        if old is Role.LEADER:
            # Its deadline is from before it led; without a new one it would campaign at once.
            self._SyncObj__raftElectionDeadline = loop_time() + self._SyncObj__generateRaftTimeout()
            self._SyncObj__commandsWaitingCommit.clear()
            self._handover = None
        if new is Role.LEADER:
            self._prevotes = None
            self._catch_up.forget()
            for flow in self._flows.values():
                flow.restart()

    def _fall_back(self, now: float) -> None:
        """A leader that a majority does not answer steps down."""
        answered = self._SyncObj__lastResponseTime
        since = now - self._config.leader_fallback_s
        heard = 1 + sum(answered[self._node(peer)] > since for peer in self.other_voters)
        if heard < majority(len(self._voters)):
            logger.warning("no majority answers in term %d any more: this manager no longer leads", self.term)
            self._SyncObj__setState(ROLES.index(Role.FOLLOWER))
            self._SyncObj__raftLeader = None

    def _falls_back_at(self) -> float:
        """When this leader steps down if nobody answers it any more: a majority's answers are too old then."""
        needed = majority(len(self._voters)) - 1
        if not needed:
            return math.inf
        answered = self._SyncObj__lastResponseTime
        newest_first = sorted((answered[self._node(peer)] for peer in self.other_voters), reverse=True)
        return float(newest_first[needed - 1]) + self._config.leader_fallback_s

    def _go_on_handing_over(self, now: float) -> None:
        handover = self._handover
        if handover is None or not self.is_leader:
            return
        if handover.is_over(now, connected=handover.to in self._up):
            logger.warning("%s did not take over: this manager goes on leading term %d", handover.to, self.term)
            self._handover = None
            return
        match_index = self.match_index(handover.to)
        if handover.is_due(
            now, match_index=match_index, commit_index=self.commit_index, last_index=self._journal.last_index
        ):
            self._host.send(handover.to, TakeOver())

    def _let_learner_vote(self, now: float) -> None:
        """A new member that has the log counts from here on; whoever leads sees to it."""
        if len(self._voters) == len(self._members):
            return
        learner = next(member.name for member in self._members if not member.voter)
        caught_up = learner in self._up and self._catch_up.has_caught_up(
            learner, match_index=self.match_index(learner), last_index=self._journal.last_index, now=now
        )
        if caught_up and self.may_change_members:
            logger.info("%s has caught up, and votes from here on", learner)
            self._catch_up.forget()
            self.change_members(promoted(self._members, learner), _nobody_waits)

    # Log.

    def _advance_commit(self) -> None:
        """Raft's rule, with what is durable here instead of what is only in memory."""
        if self.commit_index == self._journal.last_index:
            return  # as fifty times a second while nothing happens
        others = map(self.match_index, self.other_voters)
        reached = majority_index([self._journal.synced_index, *others])
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
        self._patience.heard(term, node.id, self._heard_leader_at)
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
            self._take_members()
        # Before a short log pysyncobj moves its commit index back; what is committed stays so.
        self._SyncObj__raftCommitIndex = max(commit_index, self.commit_index)

    def _receive_appended(self, node: PeerNode, body: Appended) -> None:
        if not body.success and not body.reset:
            return  # the answer to what it had sent in an earlier term, and was late: it brought this term, that is all
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
        elif self._SyncObj__raftNextIndex[node] != next_index:
            self._SyncObj__newAppendEntriesTime = 0.0  # it is sent what it lacks with the next tick, not heartbeat


def _nobody_waits(_result: Any, _reason: int) -> None:
    """A member that votes from here on: the leader wanted it, and nobody else asked."""
