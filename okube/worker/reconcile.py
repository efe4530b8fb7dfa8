"""The planner: from what a node should hold and what runs, to the next step of each task. Pure.

It is level-triggered: it looks at how things are, never at how they came to be so. So it may be asked at any time, any
number of times, after a crash between any two steps, and asks for the same steps until they have been taken. What must
not happen twice (counting a restart, say) is written in the task's memory together with the mark that it was done.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from okube.model.commands import TaskReport
from okube.model.task import Reason
from okube.model.wire import AssignedTask
from okube.worker.actions import Action, Remove, Renew, Restart, Start, StopContainer
from okube.worker.assignments import Holdings
from okube.worker.endings import STEADY_MS, delay_ms, describe_delay, outcome_of, proven_after_ms, shown_wait, verdict
from okube.worker.memory import Ending, TaskMemory
from okube.worker.runtime.base import Container, RuntimeFailure

__all__ = ["Plan", "Step", "could_not_start", "plan", "plan_task"]

_VANISHED = "its container was gone, removed outside of Okube"

_PAUSED = "paused outside of Okube; docker unpause on its node lets it go on"


class Step(msgspec.Struct, frozen=True):
    """What is next for one task: memory to store first (None: forget it), then the action; and how it stands."""

    memory: TaskMemory | None
    action: Action | None = None
    report: TaskReport | None = None
    wake_ms: int | None = None  # when to look again at the latest (calendar)


Plan = dict[str, Step]


def plan(
    holdings: Holdings,
    containers: Mapping[str, Sequence[Container]],
    memories: Mapping[str, TaskMemory],
    now_ms: int,
    *,
    tasks: Iterable[str] | None = None,
) -> Plan:
    """The next step of each task.

    Args:
        holdings: what the node should hold.
        containers: all that there are, by task.
        memories: what is remembered, by task.
        now_ms: the calendar's time.
        tasks: only these are looked at; None means all there are.
    """
    if not holdings.assigned:
        return {}
    if tasks is None:
        tasks = {*holdings.tasks, *containers, *memories}
    return {
        task_id: plan_task(holdings, task_id, containers.get(task_id, ()), memories.get(task_id), now_ms)
        for task_id in tasks
    }


def plan_task(
    holdings: Holdings,
    task_id: str,
    containers: Sequence[Container],
    memory: TaskMemory | None,
    now_ms: int,
) -> Step:
    """The next step of one task; nothing is done before there is an assignment."""
    known = memory or TaskMemory()
    if not holdings.assigned:
        return Step(memory)
    if len(containers) > 1:
        return Step(memory, _discard(task_id, _surplus(containers, known), known))
    container = containers[0] if containers else None
    task = holdings.tasks.get(task_id)
    if task is None:
        return _plan_unheld(task_id, container, memory, keep=task_id in holdings.ended)
    known = msgspec.structs.replace(known, stop=task.spec.stop)
    if known.ending is not None:
        stray = container if container is not None and container.state == "running" else None
        return _ended(task, known, stray)
    if task.desired == "stop":
        return _plan_stop(task, container, known, now_ms)
    return _plan_run(task, container, known, now_ms)


def could_not_start(memory: TaskMemory, failure: RuntimeFailure, now_ms: int) -> TaskMemory:
    """The memory of a task whose container cannot be made or started: failed; the leader replaces it."""
    return msgspec.structs.replace(memory, ending=Ending("failed", failure.reason, failure.detail, ended_ms=now_ms))


def _plan_unheld(task_id: str, container: Container | None, memory: TaskMemory | None, *, keep: bool) -> Step:
    """A task that the assignment does not hold: stopped and removed; or kept, ended, for its logs."""
    if container is None:
        return Step(None)
    if keep and container.state != "running":
        return Step(memory)
    return Step(memory, _discard(task_id, container, memory or TaskMemory()))


def _plan_stop(task: AssignedTask, container: Container | None, memory: TaskMemory, now_ms: int) -> Step:
    if container is not None and container.state == "running":
        memory = msgspec.structs.replace(memory, stopping=True)
        return Step(memory, StopContainer(task.id, container.id, task.spec.stop), _running(task, container, memory))
    if container is None or container.state == "created":
        return _end(task, memory, container, _stopped(task, None, now_ms))
    if not memory.stopping and _end_key(container) != memory.end_seen:
        outcome = outcome_of(container, task.spec, now_ms)
        if verdict(task.spec.restart, outcome, memory.failures) == "end":
            return _end(task, memory, container, outcome.ending())
    return _end(task, memory, container, _stopped(task, container, now_ms))


def _plan_run(task: AssignedTask, container: Container | None, memory: TaskMemory, now_ms: int) -> Step:
    if container is None:
        return _plan_absent(task, memory, now_ms)
    if container.state == "created":
        return _when_due(task, Start(task), memory, now_ms, container)
    if container.state == "running":
        return _plan_running(task, container, memory, now_ms)
    if memory.stopping:
        return _end(task, memory, container, _stopped(task, container, now_ms))
    if _end_key(container) != memory.end_seen:
        return _plan_exited(task, container, memory, now_ms)
    return _when_due(task, Restart(task, container.id), memory, now_ms, container)


def _plan_absent(task: AssignedTask, memory: TaskMemory, now_ms: int) -> Step:
    """No container: none was made yet, or it vanished while it should run."""
    if memory.container_id is None:
        return _when_due(task, Start(task), memory, now_ms, None)
    if memory.stopping:
        return _end(task, memory, None, _stopped(task, None, now_ms))
    if task.spec.restart.policy == "never":
        return _end(task, memory, None, Ending("failed", "signal", _VANISHED, ended_ms=now_ms))
    pending = memory.due_ms is not None  # its end was seen and counted before it was gone
    memory = msgspec.structs.replace(memory, container_id=None)
    if not pending:
        memory = _restart_later(memory, _VANISHED, since_ms=now_ms, now_ms=now_ms)
    return _when_due(task, Start(task), memory, now_ms, None)


def _plan_running(task: AssignedTask, container: Container, memory: TaskMemory, now_ms: int) -> Step:
    """It runs, started by this agent or by the one before it: it is left alone."""
    memory = msgspec.structs.replace(memory, container_id=container.id, due_ms=None)
    if task.mounted != memory.mounted and task.mounted:
        return Step(memory, _renewal(task, container, memory), _running(task, container, memory))
    if not memory.rapid or container.started_ms is None:
        return Step(memory, None, _running(task, container, memory))
    ran_ms = now_ms - container.started_ms
    if ran_ms >= STEADY_MS:
        memory = msgspec.structs.replace(memory, rapid=0)
        return Step(memory, None, _running(task, container, memory))
    proof_ms = proven_after_ms(memory.rapid)
    proven = ran_ms >= proof_ms or ran_ms < 0  # below 0: the calendar was set back, and nobody knows
    wake_ms = min(container.started_ms + (STEADY_MS if proven else proof_ms), now_ms + STEADY_MS)
    return Step(memory, None, _running(task, container, memory, proven=proven), wake_ms)


def _renewal(task: AssignedTask, container: Container, memory: TaskMemory) -> Renew:
    """The signals that tell of each value that its container does not have yet, each once."""
    known = {(one.kind, one.mount.name): one.version for one in task.spec.given(memory.mounted)}
    given = task.spec.given(task.mounted)
    other = [one.mount for one in given if known.get((one.kind, one.mount.name)) != one.version]
    return Renew(task, container.id, tuple(dict.fromkeys(mount.signal for mount in other if mount.signal)))


def _plan_exited(task: AssignedTask, container: Container, memory: TaskMemory, now_ms: int) -> Step:
    """A run ended that was not counted yet: the policy decides."""
    outcome = outcome_of(container, task.spec, now_ms)
    if verdict(task.spec.restart, outcome, memory.failures) == "end":
        return _end(task, memory, container, outcome.ending())
    memory = msgspec.structs.replace(
        memory,
        container_id=container.id,
        end_seen=_end_key(container),
        failures=memory.failures + (not outcome.succeeded),
        rapid=0 if outcome.ran_ms >= STEADY_MS else memory.rapid,
    )
    memory = _restart_later(memory, outcome.message or "exit code 0", since_ms=outcome.ended_ms, now_ms=now_ms)
    return _when_due(task, Restart(task, container.id), memory, now_ms, container)


def _restart_later(memory: TaskMemory, cause: str, *, since_ms: int, now_ms: int) -> TaskMemory:
    """Count one restart, due after the back-off (counted from ``since_ms``, unless the calendar jumped)."""
    wait_ms = delay_ms(memory.rapid)
    return msgspec.structs.replace(
        memory,
        restarts=memory.restarts + 1,
        rapid=memory.rapid + 1,
        due_ms=min(since_ms, now_ms) + wait_ms,
        note=cause,
    )


def _when_due(task: AssignedTask, action: Action, memory: TaskMemory, now_ms: int, container: Container | None) -> Step:
    """The action, or the wait for it; what people are told of the wait is renewed as it shrinks."""
    if memory.due_ms is None or now_ms >= memory.due_ms:
        memory = msgspec.structs.replace(memory, mounted=task.mounted)  # it lies ready before the container runs
        return Step(memory, action, _waiting(task, container, memory, shown_wait(memory.rapid, 0)[0]))
    latest_ms = now_ms + delay_ms(memory.rapid - 1)
    if memory.due_ms > latest_ms:  # the calendar was set back
        memory = msgspec.structs.replace(memory, due_ms=latest_ms)
    due_ms = min(memory.due_ms or latest_ms, latest_ms)
    shown_ms, renew_ms = shown_wait(memory.rapid, due_ms - now_ms)
    return Step(memory, None, _waiting(task, container, memory, shown_ms), due_ms - renew_ms)


def _end(task: AssignedTask, memory: TaskMemory, container: Container | None, ending: Ending) -> Step:
    container_id = memory.container_id if container is None else container.id
    return _ended(task, msgspec.structs.replace(memory, container_id=container_id, ending=ending), None)


def _ended(task: AssignedTask, memory: TaskMemory, stray: Container | None) -> Step:
    """It has ended for good; a container that runs all the same is stopped."""
    ending = memory.ending
    assert ending is not None
    report = TaskReport(
        id=task.id,
        state=ending.state,
        ready=False,
        reason=ending.reason,
        message=ending.message,
        exit_code=ending.exit_code,
        restarts=memory.restarts,
        container_id=memory.container_id,
        started_ms=ending.started_ms,
        ended_ms=ending.ended_ms,
    )
    action = None if stray is None else StopContainer(task.id, stray.id, task.spec.stop)
    return Step(memory, action, report)


def _stopped(task: AssignedTask, container: Container | None, now_ms: int) -> Ending:
    """The end of a task that was told to stop."""
    reason: Reason = task.stop_reason or "stopped"
    if container is None:
        return Ending("completed", reason, ended_ms=now_ms)
    stop = task.spec.stop
    killed = container.exit_code == 137 and stop.signal != "SIGKILL" and not container.oom_killed
    message = f"did not end within {stop.grace:g} s of {stop.signal} and was killed" if killed else ""
    ended_ms = now_ms if container.ended_ms is None else container.ended_ms
    return Ending("completed", reason, message, container.exit_code, container.started_ms, ended_ms)


def _running(task: AssignedTask, container: Container, memory: TaskMemory, *, proven: bool = True) -> TaskReport:
    return TaskReport(
        id=task.id,
        state="running",
        ready=proven and not container.paused,
        message=_PAUSED if container.paused else f"started again: {memory.note}" if memory.rapid else "",
        restarts=memory.restarts,
        container_id=container.id,
        started_ms=container.started_ms,
    )


def _waiting(task: AssignedTask, container: Container | None, memory: TaskMemory, wait_ms: int) -> TaskReport | None:
    """Not running now; a task that never ran stays as the leader has it."""
    if not memory.restarts:
        return None
    times = "1 restart" if memory.restarts == 1 else f"{memory.restarts} restarts"
    return TaskReport(
        id=task.id,
        state="running",
        ready=False,
        message=f"restarting in {describe_delay(wait_ms)} ({memory.note}), {times}",
        exit_code=None if container is None else container.exit_code,
        restarts=memory.restarts,
        container_id=None if container is None else container.id,
        started_ms=None if container is None else container.started_ms,
    )


def _discard(task_id: str, container: Container, memory: TaskMemory) -> Action:
    if container.state == "running":
        return StopContainer(task_id, container.id, memory.stop)
    return Remove(task_id, container.id)


def _surplus(containers: Sequence[Container], memory: TaskMemory) -> Container:
    """Of several containers of one task, one that goes: what runs stays, then what is remembered, then the newest."""

    def worth(container: Container) -> tuple[bool, bool, int, str]:
        remembered = container.id == memory.container_id
        return (container.state == "running", remembered, container.started_ms or 0, container.id)

    return min(containers, key=worth)


def _end_key(container: Container) -> str:
    """Names one end of one run."""
    return f"{container.id}/{container.started_ms}/{container.ended_ms}"
