"""Asking several managers so that the first that answers wins and a dead or hanging one costs next to nothing.

The managers are asked one after the other, the next one when the one before has failed or has not let us in (connection
and TLS) for ``hedge_s``. Once one has been sent the request the others wait for ``patience_s``: a request that is slow
because the cluster is busy is not sent three times. A write may reach two managers; its idempotency key makes it happen
once.
"""

import selectors
import ssl
from collections.abc import Callable, Sequence

import msgspec

from okube.client.address import Address
from okube.client.answer import OpenAnswer, open_answer
from okube.client.attempt import Attempt, AttemptFailed, Request, Resolve, Stage, resolve

__all__ = ["Outcome", "Pace", "Trouble", "race"]

_RESOLVING_S = 0.01  # between looks at a name's lookup, which runs in a thread


class Pace(msgspec.Struct, frozen=True):
    """The times of a race, in seconds."""

    hedge_s: float = 0.15  # the next manager is tried while this one has not let us in
    patience_s: float = 1.0  # the next one is asked while this one has not answered
    enter_s: float = 3.0  # connection and TLS; longer is a failure
    answer_s: float = 15.0  # from the request to the first byte; longer is a failure


class Trouble(msgspec.Struct, frozen=True):
    """Why one manager did not serve the request; ``sent`` where it may have carried it out all the same."""

    manager: Address
    detail: str
    refused: bool = False
    sent: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """The answer that won, if any, and what went wrong with the others."""

    answer: OpenAnswer | None
    troubles: tuple[Trouble, ...]


def race(
    request: Request,
    managers: Sequence[Address],
    context: ssl.SSLContext,
    *,
    server_name: str,
    deadline: float,
    monotonic: Callable[[], float],
    accept: Callable[[OpenAnswer], None],
    kept: tuple[Address, ssl.SSLSocket] | None = None,
    pace: Pace | None = None,
    resolver: Resolve = resolve,
) -> Outcome:
    """Ask until one manager's answer is accepted, each at most once.

    Args:
        request: what to ask.
        managers: whom, in this order.
        context: TLS with the caller's credentials.
        server_name: the name that a manager's certificate must hold.
        deadline: on the clock of ``monotonic``; what has not answered by then has failed.
        monotonic: seconds on a clock that never jumps.
        accept: looks at an answer; it raises AttemptFailed on one that should not end the race.
        kept: an open connection to the first manager.
        pace: the times.
        resolver: how names become addresses.
    """
    runners = [
        _Runner(
            Attempt(
                address,
                request,
                context,
                server_name,
                kept=kept[1] if kept and kept[0] == address else None,
                resolver=resolver,
            )
        )
        for address in managers
    ]
    return _Race(runners, pace or Pace(), deadline, monotonic, accept).run()


class _Runner:
    """One attempt with the times at which it started and sent."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.started = 0.0
        self.sent: float | None = None

    def fails_at(self, pace: Pace) -> float:
        return self.started + pace.enter_s if self.sent is None else self.sent + pace.answer_s


class _Race:
    def __init__(
        self,
        runners: list[_Runner],
        pace: Pace,
        deadline: float,
        monotonic: Callable[[], float],
        accept: Callable[[OpenAnswer], None],
    ) -> None:
        self.waiting = runners
        self.live: list[_Runner] = []
        self.troubles: list[Trouble] = []
        self.pace = pace
        self.deadline = deadline
        self.monotonic = monotonic
        self.accept = accept
        self.next_start = 0.0

    def run(self) -> Outcome:
        try:
            while self.live or self.waiting:
                now = self.monotonic()
                if now >= self.deadline:
                    self._end_all("no answer in time")
                    break
                self._start_due(now)
                for runner in self._ready(now):
                    had_sent = runner.sent is not None
                    if (answer := self._advance(runner)) is not None:
                        return Outcome(answer, tuple(self.troubles))
                    if runner.sent is not None and not had_sent:
                        break  # from now on the others stand still
                self._expire(self.monotonic())
            return Outcome(None, tuple(self.troubles))
        finally:
            for runner in self.live:
                runner.attempt.close()

    def _start_due(self, now: float) -> None:
        while self.waiting and (not self.live or now >= self.next_start):
            runner = self.waiting.pop(0)
            runner.started = now
            self.next_start = now + self.pace.hedge_s
            self.live.append(runner)
            try:
                runner.attempt.start()
            except AttemptFailed as error:
                self._fail(runner, error)

    def _ready(self, now: float) -> list[_Runner]:
        """Those whose socket is ready; while one waits for its answer the others stand still."""
        asked = [r for r in self.live if r.sent is not None]
        patient_until = max((r.sent + self.pace.patience_s for r in asked if r.sent is not None), default=0.0)
        held = bool(asked) and now < patient_until
        running = asked if held else self.live
        due = [self.deadline, *(r.fails_at(self.pace) for r in running)]
        if held:
            due.append(patient_until)
            self.next_start = max(self.next_start, patient_until)
        elif self.waiting:
            due.append(self.next_start)
        if any(r.attempt.stage is Stage.RESOLVING for r in running):
            due.append(now + _RESOLVING_S)
        with selectors.DefaultSelector() as selector:
            for runner in running:
                runner.attempt.register(selector)
            events = selector.select(max(0.0, min(due) - now))
        woken = {id(key.data) for key, _ in events}
        return [r for r in running if id(r.attempt) in woken or r.attempt.stage is Stage.RESOLVING]

    def _advance(self, runner: _Runner) -> OpenAnswer | None:
        attempt = runner.attempt
        try:
            attempt.advance()
            if runner.sent is None and attempt.stage >= Stage.WAITING:
                runner.sent = self.monotonic()
            if attempt.stage is not Stage.ANSWERED:
                return None
            answer = open_answer(attempt)
            try:
                self.accept(answer)
            except AttemptFailed:
                answer.close()
                raise
            self.live.remove(runner)
            return answer
        except AttemptFailed as error:
            self._fail(runner, error)
            return None

    def _fail(self, runner: _Runner, error: AttemptFailed) -> None:
        runner.attempt.close()
        self.live.remove(runner)
        # Sent and broken off may come in one step, before anyone took note of the time.
        sent = (runner.sent is not None or runner.attempt.stage >= Stage.WAITING) and not error.not_done
        self.troubles.append(Trouble(runner.attempt.address, str(error), error.refused, sent))
        self.next_start = 0.0

    def _expire(self, now: float) -> None:
        for runner in [r for r in self.live if now >= r.fails_at(self.pace)]:
            if runner.sent is None and any(r.sent is not None for r in self.live):
                continue  # it stood still for another one's sake
            what = "does not let us in" if runner.sent is None else "takes the request and does not answer"
            self._fail(runner, AttemptFailed(f"{what} (does it hang?)"))

    def _end_all(self, what: str) -> None:
        for runner in list(self.live):
            self._fail(runner, AttemptFailed(what))
