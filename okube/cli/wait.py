"""Waiting, after a write, until what was asked for has come about."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from okube.cli.exits import INTERRUPTED, REFUSED, Ended, WaitedInVain
from okube.cli.progress import Progress
from okube.cli.verdict import Goal, Verdict, describe_tasks, judge
from okube.client.api import OkubeClient
from okube.model.errors import NoQuorum, NotFound, OutcomeUnknown, Unreachable

__all__ = ["Waiter"]

Row = dict[str, Any]

_START_S = 0.2  # no container starts sooner, and a look while one does holds it up
_STAYS_S = 0.3  # what is ready is looked at once more: a command that ends at once was ready for a moment
_SHORTEST_S, _LONGEST_S = 0.05, 0.5
_SHORTEST_READ_S = 2.0
_PAUSES_PER_LOOK = 4  # a look that takes long, since there are many tasks, is taken less often


class Look(msgspec.Struct, frozen=True):
    """How things stand: whether the wait is over, how far each thing is, what is held up, and what is waited for.

    ``pause_s`` is how long to wait before the next look, where that is known.
    """

    over: bool
    summaries: tuple[str, ...]
    troubles: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    pause_s: float | None = None


class Waiter:
    """Looks again and again, more and more rarely, until a condition holds or the time is over.

    Args:
        client: asks the managers.
        timeout_s: how long to wait.
        progress: what a person sees.
        monotonic: seconds on a clock that never jumps.
        sleep: waits for that many seconds.
    """

    def __init__(
        self,
        client: OkubeClient,
        timeout_s: float,
        *,
        progress: Progress | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._progress = progress or Progress()
        self._monotonic = monotonic
        self._sleep = sleep

    def until_settled(self, names: Sequence[str], goal: Goal = "ready") -> list[Row]:
        """Wait until every task of the services is as the goal says, on the newest version.

        What is ready has to be so in two looks, 0.3 s apart.

        Returns:
            the services as they are then.

        Raises:
            Ended: some task has failed, and nothing will try again.
            WaitedInVain: the time is over.
        """
        open_names = list(dict.fromkeys(names))
        done: dict[str, Row] = {}
        ready_since: dict[str, float] = {}
        stays_s = _STAYS_S if goal == "ready" else 0.0

        def look() -> Look:
            verdicts = []
            now = self._monotonic()
            for name in [n for n in open_names if n not in done]:
                # Tasks first: what is printed of the service is then at least as new as what was judged.
                tasks = self._client.tasks(service=name, ended=True)
                service = self._service(name)
                verdict = judge(service, tasks, goal)
                if verdict.hopeless:
                    self._give_up(verdict)
                if not verdict.done:
                    ready_since.pop(name, None)
                    verdicts.append(verdict)
                elif now - ready_since.setdefault(name, now) >= stays_s:
                    done[name] = service
            return Look(
                len(done) == len(open_names),
                tuple(v.summary for v in verdicts),
                tuple(trouble for v in verdicts for trouble in v.troubles),
                tuple(awaited for v in verdicts for awaited in v.awaited),
                None if verdicts else stays_s,
            )

        self._until(look, _START_S)
        return [done[name] for name in open_names]

    def until_gone(self, names: Sequence[str]) -> None:
        """Wait until no task of the services is left.

        Raises:
            WaitedInVain: the time is over.
        """

        def look() -> Look:
            left = [task for name in names for task in self._tasks_of_gone(name)]
            troubles = describe_tasks(t for t in left if t.get("message"))
            return Look(not left, (f"{_count(left)} still to stop",), troubles, describe_tasks(left))

        self._until(look)

    def until_removed(self, names: Sequence[str]) -> None:
        """Wait until the services are not there any more, and none of their tasks is left.

        Raises:
            WaitedInVain: the time is over.
        """

        def look() -> Look:
            there = [name for name in names if self._is_there(name)]
            left = [task for name in names for task in self._tasks_of_gone(name)]
            summaries = [*(f"{name} is still there" for name in there), *([f"{_count(left)} left"] if left else [])]
            return Look(not summaries, tuple(summaries), (), describe_tasks(left))

        self._until(look)

    def until_drained(self, names: Sequence[str]) -> None:
        """Wait until no task is left on the nodes.

        Raises:
            WaitedInVain: the time is over.
        """

        def look() -> Look:
            summaries: list[str] = []
            troubles: list[str] = []
            awaited: list[str] = []
            for name in names:
                tasks = self._client.tasks(node=name)
                if not tasks and self._client.node(name).get("availability") != "draining":
                    continue
                summaries.append(f"{name}: {_count(tasks)} still there")
                held_up = self._held_up(tasks)
                troubles += held_up
                awaited += describe_tasks(t for t in tasks if not t.get("message")) + held_up
            return Look(not summaries, tuple(summaries), tuple(troubles), tuple(awaited))

        self._until(look)

    def _held_up(self, tasks: Sequence[Row]) -> tuple[str, ...]:
        """What tasks that should leave a node say, and the pending ones that should take their place."""
        services = {str(task.get("service")) for task in tasks}
        pending = [t for name in sorted(services) for t in self._client.tasks(service=name, state="pending")]
        return describe_tasks(t for t in (*tasks, *pending) if t.get("message"))

    def _until(self, take_look: Callable[[], "Look"], first_pause_s: float = _SHORTEST_S) -> None:
        started = self._monotonic()
        pause, next_pause = first_pause_s, _SHORTEST_S
        look = Look(False, ("the managers do not answer",))
        try:
            while True:
                before = self._monotonic()
                self._client.hurry(max(_SHORTEST_READ_S, started + self._timeout_s - before))
                try:
                    look = take_look()
                except (NoQuorum, Unreachable, OutcomeUnknown) as error:
                    look = Look(False, look.summaries, (error.detail,), (error.detail,))
                if look.over:
                    return
                if look.pause_s is not None:
                    self._sleep(look.pause_s)
                    continue
                now = self._monotonic()
                self._progress.show("; ".join(look.summaries), look.troubles, look.awaited, now - started)
                left = started + self._timeout_s - now
                if left <= 0:
                    self._in_vain(look.summaries, look.troubles)
                self._sleep(min(left, max(pause, (now - before) * _PAUSES_PER_LOOK)))
                pause, next_pause = next_pause, min(next_pause * 1.25, _LONGEST_S)
        except KeyboardInterrupt:
            self._progress.close()
            raise Ended(INTERRUPTED, "interrupted: the wait is over, and what was asked for stays") from None
        finally:
            self._progress.close()
            self._client.hurry(None)

    def _in_vain(self, summaries: Sequence[str], troubles: Sequence[str]) -> NoReturn:
        sentence = f"waited {self._timeout_s:g} s in vain: {'; '.join(summaries)}; what was asked for stays"
        raise WaitedInVain("\n".join([sentence, *troubles]))

    def _give_up(self, verdict: Verdict) -> NoReturn:
        lines = [f"{sentence}; its restart policy lets nothing try again" for sentence in verdict.hopeless]
        advice = f"`okube logs {verdict.name}` shows what it wrote; `okube rm {verdict.name}` removes it"
        raise Ended(REFUSED, "\n".join([*lines, advice]))

    def _service(self, name: str) -> Row:
        try:
            return self._client.service(name)
        except NotFound:
            raise Ended(REFUSED, f"somebody removed service {name} meanwhile") from None

    def _is_there(self, name: str) -> bool:
        try:
            self._client.service(name)
        except NotFound:
            return False
        return True

    def _tasks_of_gone(self, name: str) -> list[Row]:
        try:
            return self._client.tasks(service=name)
        except NotFound:
            return []


def _count(tasks: Sequence[Row]) -> str:
    return "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
