"""One manager without its sockets: the state machine behind Raft, and the one way to change it."""

import asyncio
import logging
import os
import random

import msgspec

from okube.manager.authorities import CurrentAuthority
from okube.manager.enabling import not_enabled
from okube.manager.metrics import Metrics
from okube.manager.settings import ManagerSettings
from okube.manager.signing import authority_in
from okube.manager.vault import UnlockKeys, Vault
from okube.model.commands import Applied, Command, EnableVersion, Item, Refused, Result, encode_command
from okube.model.epoch import Epoch
from okube.model.errors import NoQuorum, NotEnabled, OkubeError, OutcomeUnknown, error_of_kind
from okube.model.names import new_id
from okube.model.versions import version_of
from okube.raft import Proposer, RaftNode, Sidelined
from okube.scheduler import NO_EXTENSIONS, Extensions
from okube.seams.clock import Clock
from okube.security.keyring import RandomBytes
from okube.state import BATCH_VERSION, StateMachine, Tables

__all__ = ["ManagerCore"]

_log = logging.getLogger(__name__)
_encoder = msgspec.msgpack.Encoder()
_PROPOSAL_TIMEOUT_S = 10.0
_DEAF_S = 2.0
_SHORT_S = 0.5


class ManagerCore:
    """State, Raft and the proposer of one manager. Every argument is a seam, so that it runs in a simulator too."""

    def __init__(
        self,
        settings: ManagerSettings,
        *,
        machine: StateMachine,
        raft: RaftNode,
        clock: Clock,
        rng: random.Random,
        unlock_keys: UnlockKeys | None = None,
        random_bytes: RandomBytes = os.urandom,
        extensions: Extensions = NO_EXTENSIONS,
    ) -> None:
        self.settings = settings
        self.machine = machine
        self.raft = raft
        self.clock = clock
        self.rng = rng
        self.extensions = extensions
        self.vault = Vault(settings.cluster_id, lambda: self.tables, kept=unlock_keys, random_bytes=random_bytes)
        self.authority = CurrentAuthority(lambda: self.tables, self.vault, authority_in(settings.authority))
        self.proposer = Proposer(raft, self._seal)
        self.metrics = Metrics()
        self.versions_told = asyncio.Event()  # a manager said that it knows another command version than before
        self._began = clock.monotonic()
        self._led_until: float | None = None
        raft.subscribe_leadership(self._leadership)
        raft.subscribe_told(self.versions_told.set)
        raft.subscribe_synced(self.metrics.sync_seconds.observe)

    @property
    def tables(self) -> Tables:
        """The state as applied here."""
        return self.machine.tables

    @property
    def name(self) -> str:
        """This manager's name."""
        return self.settings.name

    @property
    def epoch(self) -> Epoch:
        """The epoch of the leader whose entries were applied last here."""
        return self.tables.epoch

    @property
    def leads(self) -> bool:
        """Whether this manager may act as leader now: an entry of its own term is applied."""
        return self.raft.is_ready_leader

    @property
    def age_s(self) -> float | None:
        """How old the state here may be: seconds since this manager led or heard a leader; None if never."""
        now = self.clock.monotonic()
        ages = [self.raft.last_contact_s]
        if self._led_until is not None:
            ages.append(now - self._led_until)
        age = min(ages)
        return None if age > now - self._began else age

    @property
    def deaf_s(self) -> float:
        """Seconds since this manager led or heard a leader, or since it was made if it never did."""
        age_s = self.age_s
        return self.clock.monotonic() - self._began if age_s is None else age_s

    def new_id(self) -> str:
        """A new id for a row."""
        return new_id(self.rng)

    async def submit(
        self,
        command: Command,
        *,
        request_id: str = "",
        fingerprint: bytes = b"",
        timeout_s: float = _PROPOSAL_TIMEOUT_S,
    ) -> Applied:
        """Propose a command and wait until it is committed and applied here. Only the leader may.

        Raises:
            NoQuorum: this manager does not lead; nothing was proposed.
            OutcomeUnknown: it was proposed, and whether it will be committed is not known.
            TooLarge: it does not fit into a proposal.
            NotEnabled: not every manager knows such a command yet.
            OkubeError: the command was refused; the kind of error says why.
        """
        version = version_of(command)
        if version > self.tables.settings.command_version and not isinstance(command, EnableVersion):
            raise NotEnabled(not_enabled(version, self.tables.settings.command_version, self.raft.known_versions()))
        item = _encoder.encode(Item(encode_command(command), request_id, fingerprint, version))
        began = self.clock.monotonic()
        result: Result = await self.proposer.submit(item, timeout_s=timeout_s)
        self.metrics.proposal_seconds.observe(self.clock.monotonic() - began)
        if isinstance(result, Refused):
            raise error_of_kind(result.kind, result.detail, result.errors)
        return result

    async def propose(self, commands: list[Command]) -> None:
        """Propose what a leader loop wants; a refusal is logged, for the loop looks again anyway.

        Raises:
            NoQuorum, OutcomeUnknown: this manager may not lead any more.
        """
        outcomes = await asyncio.gather(*(self.submit(command) for command in commands), return_exceptions=True)
        for command, outcome in zip(commands, outcomes, strict=True):
            if isinstance(outcome, NoQuorum | OutcomeUnknown):
                raise outcome
            if isinstance(outcome, OkubeError):
                _log.warning("%s was refused: %s", type(command).__name__, outcome)
            elif isinstance(outcome, BaseException):
                raise outcome

    async def read_barrier(self, timeout_s: float = 3.0) -> None:
        """Wait until what is read here is not older than this call; not for long where no leader is heard anyway.

        Raises:
            Sidelined: the disk is full here, so that what is read here falls behind.
            NoQuorum: no leader could be confirmed in time.
        """
        if self.deaf_s > _DEAF_S:  # nobody should wait as long again with each request
            timeout_s = min(timeout_s, _SHORT_S)
        try:
            await self.raft.read_barrier(timeout_s=timeout_s)
        except Sidelined:
            raise
        except (NoQuorum, OutcomeUnknown, TimeoutError) as error:
            raise NoQuorum(
                "no majority of managers answers now, so nothing can be confirmed; "
                "a stale read (--stale) shows what this manager last knew"
            ) from error

    def _leadership(self, term: int | None) -> None:
        if term is None:
            self._led_until = self.clock.monotonic()
        else:
            self.metrics.elections_won.inc()

    def _seal(self, term: int, items: list[bytes]) -> bytes:
        epoch = Epoch(max(1, self.tables.epoch.incarnation), term)
        return _encoder.encode((BATCH_VERSION, epoch, self.clock.time_ms(), [msgspec.Raw(item) for item in items]))
