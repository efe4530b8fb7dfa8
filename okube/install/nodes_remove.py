"""``okube cluster remove-node``: which step is next until a process is forgotten, and gone from its machine. Pure.

The order keeps what runs there running: its tasks move first, then its agent ends, then the cluster forgets it; what
is left on the machine goes last. A manager is no member any more before it ends, so that the others never wait for it.
"""

from okube.install.nodes import Done, InCluster, OnMachine, Role, Step
from okube.model.errors import Unreachable

__all__ = ["next_to_remove"]


def next_to_remove(
    name: str, role: Role, machine: OnMachine, known: InCluster | None, *, force: bool = False
) -> Step | Done:
    """The next step.

    Args:
        name: of the process.
        role: what it is.
        machine: what its machine says of it.
        known: what the cluster says of it; None: it does not know it.
        force: remove it although it takes part and its machine cannot be reached.

    Raises:
        Unreachable: it takes part, and its machine does not let us in.
    """
    if known is not None:
        if known.answers and not machine.reachable and not force:
            raise Unreachable(
                f"{name} takes part in the cluster, and its machine cannot be reached by SSH: see to that; or --force "
                "shuts it out, and what runs there goes on until somebody ends it"
            )
        if role == "worker" and known.answers and not known.empty:
            return Step("drain", "is emptied: its tasks move elsewhere")
        if role == "worker" and machine.reachable and machine.is_alive:
            return Step("stop", "is ended, and its unit disabled")
        return Step("forget", "is taken out of the cluster")
    if not machine.reachable:
        note = f"its machine could not be reached, and may still have {name}'s unit and folder"
        return Done(f"{role} {name} is no part of the cluster", (note,))
    if machine.is_alive:
        return Step("stop", "is ended, and its unit disabled")
    if machine.has_remains:
        return Step("clear", "goes from its machine: its unit and its folder")
    return Done(f"{role} {name} is no part of the cluster, and gone from its machine")
