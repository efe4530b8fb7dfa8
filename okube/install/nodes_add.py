"""``okube cluster add-node``: which step is next until a process of cluster.yaml takes part. Pure."""

from collections.abc import Sequence

from okube.install.nodes import Done, InCluster, OnMachine, Role, Step
from okube.model.errors import Conflict, Unreachable

__all__ = ["next_to_add"]


def next_to_add(
    name: str,
    role: Role,
    cluster_id: str,
    machine: OnMachine,
    known: InCluster | None,
    *,
    learning: Sequence[str] = (),
    anew: bool = False,
) -> Step | Done:
    """The next step.

    Args:
        name: of the process.
        role: what it is.
        cluster_id: of the cluster that it joins.
        machine: what its machine says of it.
        known: what the cluster says of it; None: it does not know it.
        learning: managers that join now; others have to wait for them.
        anew: one that the cluster knows by that name, and that does not answer, is gone for good.

    Raises:
        Unreachable: nothing can be done on its machine.
        Conflict: another one has that name, or its machine belongs to another cluster.
    """
    if not machine.reachable:
        raise Unreachable(f"the machine of {name} does not answer")
    if machine.cluster_id and machine.cluster_id != cluster_id:
        raise Conflict(
            f"{name}'s folder on its machine is of another cluster ({machine.cluster_id}): take it away, or give the "
            f"{role} another name"
        )
    if known is not None and known.instance not in (machine.instance, machine.drawn):
        if anew and not known.answers:
            return Step("forget", f"as it was, instance {known.instance}, is taken out of the cluster")
        raise Conflict(_another(name, role, known))
    if known is None and (machine.instance or machine.damaged):
        return _not_known(machine)
    if not machine.laid_out:
        return Step("install", "gets what Okube needs on its machine")
    if known is None or machine.instance != known.instance:
        others = [each for each in learning if each != name]
        if role == "manager" and others:
            return Step("wait", f"waits until {', '.join(others)} votes, for managers join one at a time")
        return Step("join", "joins with a token of its own")
    if not machine.serves:
        return Step("start", "is started")
    if not known.answers:
        return Step("wait", "waits until it answers")
    if not known.voter:
        return Step("wait", "waits until it has what the other managers have, and votes")
    return Done(f"{role} {name} takes part")


def _not_known(machine: OnMachine) -> Step:
    """What is there was removed from the cluster, or never came in: it joins anew."""
    if machine.runs:
        return Step("stop", "runs and is not known to the cluster: it is ended")
    return Step("set-aside", "was here before and is not known to the cluster: its folder is put aside")


def _another(name: str, role: Role, known: InCluster) -> str:
    how = "answers" if known.answers else "does not answer"
    if role == "manager":
        then = f"'okube cluster replace-manager {name}' puts this one in its place"
    else:
        then = f"if that one is gone for good, 'okube cluster remove-node {name}' forgets it, and then add it again"
    return (
        f"the cluster has another {role} {name}, instance {known.instance} at {known.host}, which {how}. Take another "
        f"name; or {then}"
    )
