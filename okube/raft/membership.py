"""Members that come, go and are reached elsewhere: one change at a time, by the leader."""

import asyncio
import random
from collections.abc import Callable

from okube.raft.changes import joined, left, readdressed
from okube.raft.config import RaftConfig
from okube.raft.core import Role
from okube.raft.errors import LeaderStays, NotLeader, OutcomeUnknown
from okube.raft.lives import Lives
from okube.raft.members import Known, Member, Membership
from okube.raft.proposals import Proposals
from okube.raft.standing import Standing
from okube.seams.clock import Clock

__all__ = ["MembershipChanges"]


class MembershipChanges:
    """Changes of the membership that the member with this standing makes, if it leads."""

    def __init__(
        self,
        standing: Standing,
        *,
        lives: Lives,
        proposals: Proposals,
        config: RaftConfig,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._standing = standing
        self._lives = lives
        self._proposals = proposals
        self._config = config
        self._clock = clock
        self._rng = rng

    async def add(self, new: Member, *, timeout_s: float) -> Known:
        """Have a new member, which learns and then votes by itself; the membership that holds now, committed.

        Adding again what is there and learns still (same name and addresses) changes nothing, and keeps its instance.

        Raises:
            NotLeader: this member does not lead.
            Conflict: it cannot be a member now; the sentence says why.
            OutcomeUnknown: it may or may not be one.
        """

        def join(members: Membership) -> Membership:
            same = (new.name, new.raft_address, new.api_address, False)
            there = any((m.name, m.raft_address, m.api_address, m.voter) == same for m in members)
            return members if there else joined(members, new)

        return await self._change(join, timeout_s)

    async def remove(self, name: str, *, instance: str | None = None, timeout_s: float) -> Known:
        """Have a member no longer; it hears of it and stops. The membership that holds now, committed.

        Raises:
            NotLeader: this member does not lead.
            NotFound: there is no such member.
            LeaderStays: it is this one, which leads.
            Conflict: it must stay, or is another instance; the sentence says why.
            OutcomeUnknown: it may or may not be one still.
        """

        def leave(members: Membership) -> Membership:
            answering = self._lives.driver.engine.answering(self._clock.monotonic())
            staying = left(members, name, instance, answering=answering)
            if name == self._standing.name:
                raise LeaderStays(name)
            return staying

        try:
            return await self._change(leave, timeout_s)
        except LeaderStays:
            # Of two who each have another member removed, one may ask the leader for the other while this one waits:
            # else they could have the lead go back and forth between the two for ever.
            await asyncio.sleep(self._rng.uniform(0, self._config.heartbeat_s))
            raise

    async def readdress(self, name: str, *, raft_address: str, api_address: str, timeout_s: float) -> Known:
        """Have a member reached elsewhere; it stays what it is. The membership that holds now, committed.

        Raises:
            NotLeader: this member does not lead.
            NotFound: there is no such member.
            Conflict: an address is another one's.
            OutcomeUnknown: it may or may not have happened.
        """

        def move(members: Membership) -> Membership:
            return readdressed(members, name, raft_address=raft_address, api_address=api_address)

        return await self._change(move, timeout_s)

    async def _change(self, change: Callable[[Membership], Membership], timeout_s: float) -> Known:
        standing = self._standing
        try:
            async with asyncio.timeout(timeout_s):
                while standing.role == Role.LEADER and not self._lives.driver.engine.may_change_members:
                    await standing.wait_leadership_change(self._config.heartbeat_s)  # the change before is under way
                driver = self._lives.driver
                if standing.role != Role.LEADER:
                    raise NotLeader(standing.leader)
                members = change(standing.members)
                index = driver.journal.members_index
                if members is not standing.members:
                    index, done = self._proposals.add(lambda told: driver.engine.change_members(members, told))
                    driver.appended()
                    await done
                return Known(index, members)
        except TimeoutError:
            message = f"no majority confirmed the change of the managers within {timeout_s:g} s; it may still happen"
            raise OutcomeUnknown(message) from None
