"""Whether an assignment is obeyed, and what the node holds then: a pure function.

The invariant: what the agent obeys never goes back. Neither to an older epoch than any it has had contact with, nor to
an older revision of the same epoch.
"""

import msgspec

from okube.model.epoch import Epoch
from okube.model.wire import AssignedTask, Assignment, AssignmentAnswer

__all__ = ["Holdings", "Taken", "raise_fence", "take"]


class Holdings(msgspec.Struct, frozen=True):
    """What the node holds: the assignment of (``epoch``, ``revision``), and the fence.

    ``fence`` is the highest epoch that the agent had contact with; it is None where it was lost with a damaged file,
    and then nothing is obeyed until a manager has told it again. ``assigned`` is False until there has been an
    assignment.
    """

    fence: Epoch | None = Epoch()
    assigned: bool = False
    epoch: Epoch = Epoch()
    revision: int = 0
    tasks: dict[str, AssignedTask] = {}
    ended: frozenset[str] = frozenset()


class Taken(msgspec.Struct, frozen=True):
    """What came of an assignment: the answer, and the holdings after it (the same object if it changed nothing)."""

    holdings: Holdings
    answer: AssignmentAnswer


def take(holdings: Holdings, assignment: Assignment, *, node: str, instance: str) -> Taken:
    """Obey ``assignment``, or refuse it with a sentence."""
    stranger = _stranger(assignment, node, instance)
    if stranger is not None:
        return _refuse(holdings, stranger)
    if holdings.fence is None:
        return _refuse(
            holdings, f"node {node} lost its stored epoch and obeys nobody until a manager answered a heartbeat of its"
        )
    if assignment.epoch < holdings.fence:
        return _refuse(
            holdings, f"the leader of epoch {assignment.epoch} was deposed: node {node} knows epoch {holdings.fence}"
        )
    same_epoch = holdings.assigned and assignment.epoch == holdings.epoch
    if same_epoch and assignment.revision < holdings.revision:
        return _refuse(
            holdings,
            f"revision {assignment.revision} is older than {holdings.revision}, which node {node} holds",
        )
    if same_epoch and assignment.revision == holdings.revision:
        return Taken(holdings, AssignmentAnswer(holdings.epoch, holdings.revision, accepted=True))
    if assignment.base is None:
        return _accept(assignment, {task.id: task for task in assignment.tasks})
    if not same_epoch or assignment.base != holdings.revision:
        return _refuse(
            holdings,
            f"changes since revision {assignment.base} of epoch {assignment.epoch} do not fit: node {node} holds "
            f"revision {holdings.revision} of epoch {holdings.epoch}; send the whole assignment",
            epoch=holdings.epoch,
        )
    return _accept(assignment, _changed(holdings.tasks, assignment))


def raise_fence(holdings: Holdings, epoch: Epoch) -> Holdings:
    """The holdings after contact with ``epoch``: nothing older is obeyed any more."""
    if holdings.fence is not None and epoch <= holdings.fence:
        return holdings
    if holdings.assigned and epoch < holdings.epoch:
        epoch = holdings.epoch
    return msgspec.structs.replace(holdings, fence=epoch)


def _stranger(assignment: Assignment, node: str, instance: str) -> str | None:
    if assignment.node != node:
        return f"the assignment is for node {assignment.node}, and this is node {node}: check the nodes' addresses"
    if assignment.instance != instance:
        return (
            f"the assignment is for instance {assignment.instance} of node {node}, and this is {instance}: the node "
            f"was made anew; `okube nodes rm {node}` lets the new one in"
        )
    return None


def _refuse(holdings: Holdings, message: str, *, epoch: Epoch | None = None) -> Taken:
    known = epoch if epoch is not None else max(holdings.fence or Epoch(), holdings.epoch)
    revision = holdings.revision if known == holdings.epoch else 0
    return Taken(holdings, AssignmentAnswer(known, revision, accepted=False, message=message))


def _accept(assignment: Assignment, tasks: dict[str, AssignedTask]) -> Taken:
    holdings = Holdings(
        fence=assignment.epoch,
        assigned=True,
        epoch=assignment.epoch,
        revision=assignment.revision,
        tasks=tasks,
        ended=frozenset(assignment.ended),
    )
    return Taken(holdings, AssignmentAnswer(assignment.epoch, assignment.revision, accepted=True))


def _changed(tasks: dict[str, AssignedTask], assignment: Assignment) -> dict[str, AssignedTask]:
    made = dict(tasks)
    for task in assignment.tasks:
        made[task.id] = task
    for task_id in assignment.dropped:
        made.pop(task_id, None)
    return made
