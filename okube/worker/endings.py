"""What happens when a container ends: the table of the design, as pure functions."""

import signal
from typing import Literal

import msgspec

from okube.model.quantities import format_bytes
from okube.model.spec import Restart, ServiceSpec
from okube.model.task import Reason
from okube.worker.memory import Ending
from okube.worker.runtime.base import Container

__all__ = [
    "MAX_DELAY_MS",
    "STEADY_MS",
    "Outcome",
    "delay_ms",
    "describe_delay",
    "outcome_of",
    "proven_after_ms",
    "shown_wait",
    "verdict",
]

FIRST_DELAY_MS = 100
MAX_DELAY_MS = 300_000
SAID_ONCE_MS = 6_400
STEADY_MS = 10_000  # a run this long sets the back-off to its start


class Outcome(msgspec.Struct, frozen=True):
    """How one run of a container ended."""

    reason: Reason
    message: str
    exit_code: int | None
    started_ms: int | None
    ended_ms: int

    @property
    def ran_ms(self) -> int:
        """How long it had run; 0 where nobody knows."""
        return 0 if self.started_ms is None else self.ended_ms - self.started_ms

    @property
    def succeeded(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.reason == "exited"

    def ending(self) -> Ending:
        """The same as the end of the task."""
        state: Literal["completed", "failed"] = "completed" if self.succeeded else "failed"
        return Ending(state, self.reason, self.message, self.exit_code, self.started_ms, self.ended_ms)


def outcome_of(container: Container, spec: ServiceSpec, now_ms: int) -> Outcome:
    """How the exited ``container`` ended, in a code and in words."""
    code = container.exit_code
    ended_ms = container.ended_ms if container.ended_ms is not None else now_ms
    if code == 0:
        return Outcome("exited", "", 0, container.started_ms, ended_ms)
    reason, message = _failure(container, spec)
    if container.error:
        message = f"{message}: {container.error}"
    return Outcome(reason, message, code, container.started_ms, ended_ms)


def _failure(container: Container, spec: ServiceSpec) -> tuple[Reason, str]:
    code = container.exit_code
    if container.oom_killed:
        limit = spec.resources.most_memory
        return (
            "out-of-memory",
            f"out of memory: limit {format_bytes(limit)}" if limit else "out of memory: no limit set",
        )
    if code is None:
        return "signal", "ended without an exit code: its machine or its engine went down"
    name = _signal_name(code - 128)
    if name is not None:
        return "signal", f"killed by {name}"
    return "exit-code", f"exit code {code}"


def _signal_name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None


def verdict(restart: Restart, outcome: Outcome, failures: int) -> Literal["restart", "end"]:
    """Whether the container is started again; ``failures`` are those before this one."""
    if restart.policy == "always":
        return "restart"
    if outcome.succeeded or restart.policy == "never":
        return "end"
    if restart.max is not None and failures + 1 > restart.max:
        return "end"
    return "restart"


def delay_ms(rapid: int) -> int:
    """How long to wait before the next start after ``rapid`` quick ends in a row: 0.1 s doubling to 5 min."""
    return min(FIRST_DELAY_MS << min(rapid, 16), MAX_DELAY_MS)


def proven_after_ms(rapid: int) -> int:
    """How long a run must last before it counts as ready, after ``rapid`` quick ends in a row.

    As long as it had to wait for its start, so that a crash loop is not taken for a service each time it begins, and
    one that ended once is back at once; never longer than what sets the back-off to its start.
    """
    return min(delay_ms(rapid - 1), STEADY_MS) if rapid else 0


def shown_wait(rapid: int, left_ms: int) -> tuple[int, int]:
    """What is said of a wait of which ``left_ms`` are left, and how much is left when it is to be said anew (0: never).

    A report for every second would cost the cluster more than it says. So the wait is halved until it fits, and what is
    shown is never more than twice what is true, but for waits of a few seconds, which are said once.
    """
    shown_ms = delay_ms(max(rapid, 1) - 1)
    while shown_ms > SAID_ONCE_MS and shown_ms // 2 >= left_ms:
        shown_ms //= 2
    return shown_ms, shown_ms // 2 if shown_ms > SAID_ONCE_MS else 0


def describe_delay(milliseconds: int) -> str:
    """``0.4 s``, ``4 s``, ``26 s``, ``5 min``."""
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
