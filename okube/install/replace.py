"""``okube cluster replace-manager``: which step is next until another machine, or a new disk, has the manager. Pure.

All that can fail without harm is done first: the new machine is made ready while the old manager is still a member.
Then the old instance is removed and the new one joins, in this order: of three managers with one lost the two that are
left have to agree, where a fourth one would have to be agreed on by three of four. What is left of the old one goes
last, for once it is no member it can do no harm.
"""

from collections.abc import Mapping

import msgspec

from okube.install.nodes import Done, InCluster, OnMachine, Step
from okube.install.nodes_add import next_to_add
from okube.model.errors import Conflict, NotFound, Unreachable

__all__ = ["next_to_replace"]


def next_to_replace(
    name: str,
    host: str,
    cluster_id: str,
    machine: OnMachine,
    members: Mapping[str, InCluster],
    *,
    former: OnMachine | None = None,
    begun: bool = False,
) -> Step | Done:
    """The next step.

    Args:
        name: of the manager.
        host: where it is to be.
        cluster_id: of the cluster.
        machine: what the machine at ``host`` says of it.
        members: all managers, by name, as the cluster has them.
        former: what the machine that it was on says of it; None: it is the same one.
        begun: cluster.yaml names it; so if the cluster does not know it, an earlier call removed it already.

    Raises:
        NotFound: it is no manager of the cluster.
        Unreachable: nothing can be done on the new machine.
        Conflict: the others have no majority without it, or what is on the machine is in the way.
    """
    known = members.get(name)
    if known is None and not begun:
        raise NotFound(f"{name} is no manager of the cluster; it has {', '.join(members)}")
    if not machine.reachable:
        raise Unreachable(f"the machine at {host}, which is to have {name}, does not answer")
    if machine.cluster_id and machine.cluster_id != cluster_id:
        raise Conflict(
            f"{name}'s folder at {host} is of another cluster ({machine.cluster_id}): take it away, or name another "
            "machine"
        )
    if known is not None and _is_to_go(name, known, host, machine):
        _need_majority(name, members)
        if not machine.laid_out:
            return Step("install", "gets what Okube needs on its machine")
        return Step("forget", f"as it was, instance {known.instance}, is taken out of the managers")
    learning = [each for each, member in members.items() if not member.voter]
    step = next_to_add(name, "manager", cluster_id, machine, known, learning=learning)
    if isinstance(step, Step) or former is None:
        return step
    return _at_former(name, step, former)


def _is_to_go(name: str, known: InCluster, host: str, machine: OnMachine) -> bool:
    """Whether what the cluster knows is the one that is replaced, and not the one that replaces it.

    The new one is on the machine, where it has drawn its instance. One that votes, and neither serves there nor
    answers, has lost what it had, or cannot start with it.
    """
    if known.instance not in (machine.instance, machine.drawn):
        return True
    if known.host != host:
        raise Conflict(
            f"the machine at {host} has the very {name} that the cluster knows at {known.host}: it was not replaced, "
            f"it has another address. Tell that with 'okube cluster readdress {known.host}={host}'"
        )
    return known.instance == machine.instance and known.voter and not known.answers and not machine.serves


def _need_majority(name: str, members: Mapping[str, InCluster]) -> None:
    """The cluster would refuse it as well; here it is said before anything is installed."""
    others = {each: member for each, member in members.items() if each != name and member.voter}
    if not others:
        raise Conflict(
            f"{name} is the only manager, so nobody could let another one in: add a manager first, and then remove "
            f"{name}; or restore the cluster from a snapshot, if {name} is lost"
        )
    answering = [each for each, member in others.items() if member.answers]
    if len(answering) < len(others) // 2 + 1:
        silent = ", ".join(each for each in others if each not in answering)
        raise Conflict(
            f"without {name} the managers would have no majority, for {silent} does not answer either: bring that one "
            "back first; where a majority is lost for good, 'okube managers recover'"
        )


def _at_former(name: str, done: Done, former: OnMachine) -> Step | Done:
    if not former.reachable:
        note = (
            f"the machine that had {name} could not be reached; if it comes back, the {name} there hears that it is no "
            "manager any more, and ends"
        )
        return msgspec.structs.replace(done, notes=(*done.notes, note))
    if former.is_alive:
        return Step("stop", "as it was is ended on its former machine, and its unit disabled", former=True)
    if former.has_remains:
        return Step("clear", "as it was goes from its former machine: its unit and its folder", former=True)
    return done
