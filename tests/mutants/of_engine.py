"""Guards of elections, votes, acknowledgements, proposals and membership."""

from typing import Any, get_args

import msgspec
import pytest

from okube.model import commands
from okube.raft import acquaintances, changes, engine
from okube.raft.acquaintances import Acquaintances
from okube.raft.adapters import PeerNode
from okube.raft.core import Core
from okube.raft.driver import Driver
from okube.raft.election import PreVoteRound, majority
from okube.raft.engine import Engine
from okube.raft.flow import Flow
from okube.raft.frames import Appended, Body, Frame, TakeOver, VoteGranted, decode_frame
from okube.raft.members import Membership
from okube.raft.proposals import Proposals
from okube.raft.proposer import Proposer
from okube.raft.reception import Reception
from okube.state.machine import StateMachine

__all__ = [
    "acks_of_earlier_terms_count",
    "anybody_may_hand_over",
    "callbacks_raise",
    "commands_are_numbered_by_position",
    "commits_wait_for_a_heartbeat",
    "cut_off_leaders_go_on",
    "deposed_leaders_are_applied",
    "entries_are_cut_into_pieces",
    "everybody_agrees_to_elections",
    "followers_are_buried",
    "frames_of_strangers_are_taken",
    "learners_count",
    "members_hash_by_their_text",
    "membership_waits_for_its_commit",
    "nobody_asks_before_it_campaigns",
    "nobody_tells_who_waits",
    "one_instance_is_as_good_as_another",
    "other_entries_answer_proposals",
    "queues_outlive_leadership",
    "raising_machines_stop_the_log",
    "two_changes_at_once",
    "votes_are_counted_not_collected",
    "who_moves_is_another",
]


def commits_wait_for_a_heartbeat(patch: pytest.MonkeyPatch) -> None:
    """A write is sent with the next heartbeat, and its commit is told with the one after that."""
    _with_conf(patch, appendEntriesUseBatch=True)
    patch.setattr(Engine, "has_commit_to_tell", False)


def callbacks_raise(patch: pytest.MonkeyPatch) -> None:
    """What waits for an entry is told as if nobody else could have told it, and raises where somebody had."""

    def resolve(self: Any, index: int, result: Any, _reason: int) -> None:
        self._waiting.pop(index).set_result(result)

    patch.setattr(Proposals, "_resolve", resolve)


def commands_are_numbered_by_position(patch: pytest.MonkeyPatch) -> None:
    """A command in the log is a number: the place of its kind among those that this Okube knows."""
    kinds = get_args(commands.Command)

    def encode(command: Any) -> bytes:
        return msgspec.msgpack.encode([kinds.index(type(command)), *msgspec.to_builtins(command)[1:]])

    patch.setattr(commands, "encode_command", encode)


def who_moves_is_another(patch: pytest.MonkeyPatch) -> None:
    """A member is its address: one that moves is a member of another name."""
    true_readdressed = changes.readdressed

    def readdressed(members: Membership, name: str, *, raft_address: str, api_address: str) -> Membership:
        after = true_readdressed(members, name, raft_address=raft_address, api_address=api_address)
        return tuple(msgspec.structs.replace(m, name=raft_address) if m.name == name else m for m in after)

    patch.setattr(changes, "readdressed", readdressed)


def members_hash_by_their_text(patch: pytest.MonkeyPatch) -> None:
    """Members are hashed as strings are: in an order of each process's own."""
    patch.setattr(PeerNode, "__hash__", lambda self: hash(self.id))


def entries_are_cut_into_pieces(patch: pytest.MonkeyPatch) -> None:
    """An entry above 64 KiB is cut into pieces that nobody can put together."""
    _with_conf(patch, appendEntriesBatchSizeBytes=2**16)


def _with_conf(patch: pytest.MonkeyPatch, **settings: Any) -> None:
    true_conf = Core._conf

    def conf(self: Core) -> Any:
        made = true_conf(self)
        for name, value in settings.items():
            setattr(made, name, value)
        return made

    patch.setattr(Core, "_conf", conf)


def raising_machines_stop_the_log(patch: pytest.MonkeyPatch) -> None:
    """What the state machine raises reaches the engine."""

    def apply(self: Driver, index: int, term: int, payload: bytes) -> Any:
        return self._machine.apply(index, term, payload)

    patch.setattr(Driver, "apply", apply)


def cut_off_leaders_go_on(patch: pytest.MonkeyPatch) -> None:
    """A leader that hears nobody leads on."""
    patch.setattr(Engine, "_fall_back", lambda _self, _now: None)


def nobody_asks_before_it_campaigns(patch: pytest.MonkeyPatch) -> None:
    """Whose time is up raises its term at once."""

    def watch_leader(self: Any, now: float) -> None:
        if self._SyncObj__raftElectionDeadline < now and self.votes:
            self._campaign()

    patch.setattr(Engine, "_watch_leader", watch_leader)


def everybody_agrees_to_elections(patch: pytest.MonkeyPatch) -> None:
    """Also who hears a leader."""
    patch.setattr(engine, "would_vote", lambda *_args, **_kwargs: True)


def anybody_may_hand_over(patch: pytest.MonkeyPatch) -> None:
    """A word from anybody makes a member campaign."""
    true_receive = Engine.receive

    def receive(self: Engine, sender: str, term: int, body: Body) -> None:
        if isinstance(body, TakeOver):
            self._campaign()
        else:
            true_receive(self, sender, term, body)

    patch.setattr(Engine, "receive", receive)


def votes_are_counted_not_collected(patch: pytest.MonkeyPatch) -> None:
    """The same vote twice counts twice."""

    def receive_vote(self: Any, _sender: str) -> None:
        self._votes.add(f"another {len(self._votes)}")
        if len(self._votes) >= majority(len(self._voters)):
            self._SyncObj__onBecomeLeader()

    patch.setattr(Engine, "_receive_vote", receive_vote)
    patch.setattr(PreVoteRound, "agree", lambda *_: True)


def acks_of_earlier_terms_count(patch: pytest.MonkeyPatch) -> None:
    """An acknowledgement or a vote counts in whatever term it arrives."""
    true_receive = Engine.receive

    def receive(self: Engine, sender: str, term: int, body: Body) -> None:
        of_now = isinstance(body, Appended | VoteGranted) and term < self.term
        true_receive(self, sender, self.term if of_now else term, body)

    patch.setattr(Engine, "receive", receive)


def frames_of_strangers_are_taken(patch: pytest.MonkeyPatch) -> None:
    """Whoever has a link is believed to be who it says."""

    def checked(_self: Reception, _peer: str, _instance: str, data: bytes) -> Frame:
        return decode_frame(data)

    patch.setattr(Reception, "_checked", checked)


def one_instance_is_as_good_as_another(patch: pytest.MonkeyPatch) -> None:
    """A member whose disk was made anew is let in under its old name."""

    def objection(self: Acquaintances, name: str, _instance: str) -> str | None:
        return None if name in self.members else "not a member"

    patch.setattr(acquaintances.Acquaintances, "objection", objection)


def nobody_tells_who_waits(patch: pytest.MonkeyPatch) -> None:
    """Who waits for a write is not told that leadership was lost."""
    patch.setattr(Proposals, "leadership_changed", lambda _self, _term: None)


def other_entries_answer_proposals(patch: pytest.MonkeyPatch) -> None:
    """What a deposed leader had proposed is answered by whatever lands on its index."""
    true_changed = Engine._role_changed

    def role_changed(self: Any, old: Any, new: Any) -> None:
        waiting = dict(self._SyncObj__commandsWaitingCommit)
        true_changed(self, old, new)
        for index, callbacks in waiting.items():
            self._SyncObj__commandsWaitingCommit[index] = [(self.term, callback) for _, callback in callbacks]

    patch.setattr(Engine, "_role_changed", role_changed)


def queues_outlive_leadership(patch: pytest.MonkeyPatch) -> None:
    """What waits for its turn at a deposed leader waits on."""
    patch.setattr(Proposer, "_refuse_queued", lambda _self: None)


def deposed_leaders_are_applied(patch: pytest.MonkeyPatch) -> None:
    """A batch of an earlier epoch than the last is applied."""
    true_apply = StateMachine.apply

    def apply(self: StateMachine, index: int, term: int, payload: bytes) -> Any:
        epoch, self.tables.epoch = self.tables.epoch, msgspec.structs.replace(self.tables.epoch, incarnation=0, term=0)
        results = true_apply(self, index, term, payload)
        self.tables.epoch = max(epoch, self.tables.epoch)
        return results

    patch.setattr(StateMachine, "apply", apply)


def followers_are_buried(patch: pytest.MonkeyPatch) -> None:
    """A follower that lags is sent everything at once."""
    patch.setattr(Flow, "has_room", property(lambda _self: True))


def two_changes_at_once(patch: pytest.MonkeyPatch) -> None:
    """A membership changes before the change before is committed."""
    patch.setattr(Engine, "may_change_members", property(lambda self: self.is_ready_leader))


def membership_waits_for_its_commit(patch: pytest.MonkeyPatch) -> None:
    """A membership holds only once its entry is committed."""
    true_take = Core._take_members

    def take_members(self: Any) -> None:
        if self._journal.members_index <= getattr(self, "_SyncObj__raftCommitIndex", 0):
            true_take(self)

    patch.setattr(Core, "_take_members", take_members)


def learners_count(patch: pytest.MonkeyPatch) -> None:
    """A new member counts for majorities before it has the log."""

    def voters(members: Membership) -> tuple[str, ...]:
        return tuple(member.name for member in members)

    patch.setattr("okube.raft.core.voters", voters)
