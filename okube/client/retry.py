"""One logical call: races until an answer comes that settles it, or the deadline passes.

During a failover managers answer 503 (no leader) or 504 (outcome unknown) for a second or two; the same request, with
the same idempotency key, is sent again, so that callers see nothing of it but the time.
"""

import os
import ssl
import time
from collections.abc import Callable

import msgspec

from okube.client.address import Address
from okube.client.answer import Answer, OpenAnswer
from okube.client.attempt import AttemptFailed, Request, Resolve, resolve
from okube.client.credentials import SERVER_NAME, Credentials
from okube.client.errors import RETRIED, error_of
from okube.client.memory import Memory, NoMemory, in_order
from okube.client.race import Pace, Trouble, race
from okube.model.errors import FieldError, NoQuorum, OkubeError, OutcomeUnknown, Unreachable

__all__ = ["Caller", "Patience"]

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


class Patience(msgspec.Struct, frozen=True):
    """How long one call may take, in seconds.

    ``refused_s`` is shorter: where nothing of this cluster listens at any address, it is not a failover.
    ``last_try_s`` is how long a manager may hold a request while it waits for a leader: a write that was turned away is
    not tried again with less than that left, because a try that is cut off leaves open whether it was done.
    """

    deadline_s: float
    refused_s: float
    last_try_s: float = 0.0


class Caller:
    """Sends requests to whichever manager serves them; not for several threads at once.

    Args:
        managers: their addresses.
        credentials: who calls.
        memory: where the manager that answered last is kept between commands.
        pace: the times of a race.
        server_name: the name that the certificate of a manager must hold.
        monotonic: seconds on a clock that never jumps.
        sleep: waits for that many seconds.
        jitter: by how much a pause is shorter than it may be: a factor.
        resolver: how names become addresses.
    """

    def __init__(
        self,
        managers: tuple[Address, ...],
        credentials: Credentials,
        *,
        memory: Memory | None = None,
        pace: Pace | None = None,
        server_name: str = SERVER_NAME,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = lambda: 0.5 + os.urandom(1)[0] / 512,
        resolver: Resolve = resolve,
    ) -> None:
        self.managers = managers
        self.credentials = credentials
        self._context: ssl.SSLContext = credentials.context()
        self._token = credentials.token
        self._memory = memory or NoMemory()
        self._pace = pace or Pace()
        self._server_name = server_name
        self._monotonic = monotonic
        self._sleep = sleep
        self._jitter = jitter
        self._resolver = resolver
        self._first = self._memory.recall()
        self._kept: tuple[Address, ssl.SSLSocket] | None = None
        self._ever_answered = False

    def call(self, request: Request, patience: Patience) -> Answer:
        """The whole answer, whatever its status but those that are retried.

        Raises:
            Unreachable: no manager answered.
            NoQuorum: they answer, and have no leader.
            OutcomeUnknown: a write may or may not have happened.
        """
        deadline = self._monotonic() + patience.deadline_s
        return self._until(request, patience, deadline, lambda a: a.read(lambda: deadline - self._monotonic()))

    def open(self, request: Request, patience: Patience, *, without: frozenset[Address] = frozenset()) -> OpenAnswer:
        """The answer with its body still to come, which the caller closes; raises as ``call`` does.

        Managers in ``without`` are not asked.
        """
        deadline = self._monotonic() + patience.deadline_s
        found: list[OpenAnswer] = []

        def take(answer: OpenAnswer) -> Answer:
            found.append(answer)
            return Answer(answer.manager, answer.status, answer.headers, b"")

        self._until(request, patience, deadline, take, without=without)
        return found[0]

    def open_once(self, request: Request, patience: Patience) -> OpenAnswer:
        """The answer to a request that must not be carried out twice and has no key: one manager at a time is asked.

        The next one is asked only where the one before has surely not begun.

        Raises:
            Unreachable: no manager answered.
            NoQuorum: they answer, and cannot serve it now.
            OutcomeUnknown: one has taken the request and then fell silent.
        """
        request = msgspec.structs.replace(request, headers=(*self._headers(), *request.headers))
        started = self._monotonic()
        story = _Story(is_write=True)
        for manager in in_order(self.managers, self._kept[0] if self._kept else self._first):
            outcome = race(
                request,
                (manager,),
                self._context,
                server_name=self._server_name,
                deadline=self._monotonic() + patience.deadline_s,
                monotonic=self._monotonic,
                accept=lambda answer: story.settle(answer, lambda: patience.deadline_s),
                pace=self._pace,
                resolver=self._resolver,
            )
            story.add(outcome.troubles)
            if outcome.answer is not None:
                return outcome.answer
            if story.outcome_unknown:
                break
        raise story.told(self._monotonic() - started)

    def lives(self, manager: Address) -> bool:
        """Whether this one manager answers at all, in at most a second or so."""
        request = Request("GET", "/healthz", self._headers())
        outcome = race(
            request,
            (manager,),
            self._context,
            server_name=self._server_name,
            deadline=self._monotonic() + self._pace.patience_s,
            monotonic=self._monotonic,
            accept=lambda _: None,
            pace=self._pace,
            resolver=self._resolver,
        )
        if outcome.answer is not None:
            outcome.answer.close()
        return outcome.answer is not None

    def close(self) -> None:
        """End the connection that is kept for the next request."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def _until(
        self,
        request: Request,
        patience: Patience,
        deadline: float,
        take: Callable[[OpenAnswer], Answer],
        *,
        without: frozenset[Address] = frozenset(),
    ) -> Answer:
        request = msgspec.structs.replace(request, headers=(*self._headers(), *request.headers))
        started = self._monotonic()
        story = _Story(is_write=request.method != "GET")
        managers = tuple(manager for manager in self.managers if manager not in without)
        pause = _FIRST_PAUSE_S
        while True:
            answer = self._round(request, managers, deadline, story, take)
            if answer is not None:
                return answer
            now = self._monotonic()
            gone = story.only_refusals and not self._ever_answered and now - started >= patience.refused_s
            hopeless = story.surely_not_done and deadline - now < patience.last_try_s
            if now >= deadline or gone or hopeless:
                raise story.told(now - started)
            wait = max(pause, min(story.retry_after_s, _LONGEST_PAUSE_S)) * self._jitter()
            self._sleep(max(0.0, min(wait, deadline - now)))
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _round(
        self,
        request: Request,
        managers: tuple[Address, ...],
        deadline: float,
        story: "_Story",
        take: Callable[[OpenAnswer], Answer],
    ) -> Answer | None:
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] not in managers:
            kept[1].close()
            kept = None
        order = story.cut_off_last(in_order(managers, kept[0] if kept else self._first))
        story.retry_after_s = 0.0
        outcome = race(
            request,
            order,
            self._context,
            server_name=self._server_name,
            deadline=deadline,
            monotonic=self._monotonic,
            accept=lambda answer: story.settle(answer, lambda: deadline - self._monotonic()),
            kept=kept,
            pace=self._pace,
            resolver=self._resolver,
        )
        story.add(outcome.troubles)
        if outcome.answer is None:
            return None
        manager = outcome.answer.manager
        try:
            answer = take(outcome.answer)
        except AttemptFailed as error:
            outcome.answer.close()
            story.add((Trouble(manager, str(error), sent=True),))
            story.cut_off = [*(m for m in story.cut_off if m != manager), manager]
            return None
        self._remember(manager, outcome.answer)
        return answer

    def _remember(self, manager: Address, answer: OpenAnswer) -> None:
        self._ever_answered = True
        self._first = manager
        self._memory.keep(manager)
        if answer.drained and (connection := answer.release()) is not None:
            self._kept = (manager, connection)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        headers = [("Accept", "application/json"), ("User-Agent", "okube")]
        if self._token:
            headers.append(("Authorization", f"Bearer {self._token}"))
        return tuple(headers)


class _Story:
    """What went wrong in a call so far, for the sentence at its end."""

    def __init__(self, *, is_write: bool) -> None:
        self.is_write = is_write
        self.troubles: dict[Address, Trouble] = {}
        self.last_error: OkubeError | None = None
        self.outcome_unknown = False
        self.only_refusals = True
        self.retry_after_s = 0.0
        self.cut_off: list[Address] = []

    @property
    def surely_not_done(self) -> bool:
        """Whether it is a write that managers turned away, and none may have begun."""
        return self.is_write and isinstance(self.last_error, NoQuorum) and not self.outcome_unknown

    def cut_off_last(self, managers: tuple[Address, ...]) -> tuple[Address, ...]:
        """Those whose answers broke off are asked after the others, the last of them last."""
        return tuple(sorted(managers, key=lambda m: -1 if m not in self.cut_off else self.cut_off.index(m)))

    def settle(self, answer: OpenAnswer, remaining: Callable[[], float]) -> None:
        """Take note of an answer that is retried; raises AttemptFailed for it."""
        if answer.status not in RETRIED:
            return
        self.last_error = error_of(answer.status, answer.read(remaining).body)
        after = answer.headers.get("retry-after", "")
        self.retry_after_s = max(self.retry_after_s, float(after) if after.isdigit() else 0.0)
        raise AttemptFailed(self.last_error.detail, not_done=not isinstance(self.last_error, OutcomeUnknown))

    def add(self, troubles: tuple[Trouble, ...]) -> None:
        self.troubles.update((trouble.manager, trouble) for trouble in troubles)
        self.only_refusals &= all(trouble.refused for trouble in troubles)
        self.outcome_unknown |= self.is_write and any(trouble.sent for trouble in troubles)

    def told(self, seconds: float) -> OkubeError:
        """The error that the call ends with; each manager's trouble is at its address."""
        errors = tuple(FieldError(str(t.manager), t.detail) for t in self.troubles.values())
        if self.outcome_unknown:
            why = "no quorum: " if isinstance(self.last_error, NoQuorum) else ""
            return OutcomeUnknown(
                f"{why}the managers could not say in {seconds:.0f} s whether it was done: look before you repeat it",
                errors,
            )
        if isinstance(self.last_error, NoQuorum):
            return NoQuorum(f"no quorum: the managers that answer had no leader for {seconds:.0f} s", errors)
        if self.last_error is not None:
            return type(self.last_error)(self.last_error.detail, errors)
        return Unreachable(f"no manager answered within {seconds:.0f} s", errors)
