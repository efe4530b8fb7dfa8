"""All the steps of a change beforehand: the same decision, fed with what each step should bring about. Pure."""

from collections.abc import Callable

import msgspec

from okube.install.nodes import Done, InCluster, OnMachine, Role, Step

__all__ = ["Standing", "foreseen", "plan"]

_MOST_STEPS = 30
_NEW = "new"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand with one process: on its machine, in the cluster, and on the machine that it was on."""

    machine: OnMachine
    known: InCluster | None
    former: OnMachine | None = None
    learning: tuple[str, ...] = ()


def plan(standing: Standing, decide: Callable[[Standing], Step | Done], role: Role, host: str) -> tuple[Step, ...]:
    """The steps that will be done if each brings about what it should; empty where nothing is to do.

    Raises:
        OkubeError: as ``decide`` does.
    """
    steps: list[Step] = []
    while len(steps) < _MOST_STEPS:
        step = decide(standing)
        if isinstance(step, Done):
            break
        steps.append(step)
        standing = foreseen(standing, step, role, host)
    return tuple(steps)


def foreseen(standing: Standing, step: Step, role: Role, host: str) -> Standing:
    """How things stand after a step that went as it should."""
    if step.former:
        assert standing.former is not None
        return msgspec.structs.replace(standing, former=_on_machine(standing.former, step))
    machine, known, learning = _on_machine(standing.machine, step), standing.known, standing.learning
    if step.verb == "join":
        known = InCluster(instance=machine.instance, host=host, answers=False, voter=role == "worker")
    elif step.verb == "forget":
        known = None
    elif step.verb == "drain" and known is not None:
        known = msgspec.structs.replace(known, empty=True)
    elif step.verb == "wait":
        known = None if known is None else msgspec.structs.replace(known, answers=True, voter=True)
        learning = ()
    return Standing(machine=machine, known=known, former=standing.former, learning=learning)


def _on_machine(machine: OnMachine, step: Step) -> OnMachine:
    replace = msgspec.structs.replace
    match step.verb:
        case "install":
            return replace(machine, laid_out=True, unit=True, enabled=True)
        case "set-aside":
            return replace(machine, cluster_id="", instance="", damaged=False)
        case "join":
            return replace(machine, instance=machine.drawn or _NEW, drawn="")
        case "start":
            return replace(machine, runs=True, serves=True)
        case "stop":
            return replace(machine, laid_out=False, enabled=False, runs=False, serves=False)
        case "clear":
            return OnMachine()
        case _:
            return machine
