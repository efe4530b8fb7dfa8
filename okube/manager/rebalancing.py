"""Which tasks would be better off elsewhere, by the policy in force, and how balanced the nodes are. Pure."""

from collections.abc import Generator, Sequence

import numpy as np

from okube.manager.boards import Setup, board_of
from okube.manager.edges import costs_of
from okube.manager.rehearsal import Rehearsal, Surroundings
from okube.model.commands import MoveTasks
from okube.model.errors import NotFound
from okube.model.foresight_views import BalanceView, MoveView, RebalanceView
from okube.model.service import Service
from okube.model.task import Task
from okube.scheduler import Policy
from okube.scheduler.gains import shares
from okube.scheduler.moves import Step
from okube.state import Tables
from okube.state.fork import forking

__all__ = ["MOST_MOVES", "moving", "rebalance_view", "services_to_move", "weights_of"]

MOST_MOVES = 1000
_DIGITS = 9
_TERMS_SHOWN = 3


def rebalance_view(
    tables: Tables, now_ms: int, around: Surroundings, *, most: int = MOST_MOVES, app: str | None = None
) -> Generator[None, None, RebalanceView]:
    """The moves that make the placement better, in slices; ``tables`` stay as they are.

    What is under way comes to its end first. Of an ``app`` only its own tasks are moved.

    Raises:
        NotFound: there is no such app.
    """
    revision = tables.revision
    fork = yield from forking(tables)
    rehearsal = Rehearsal(fork, now_ms, around)
    yield from rehearsal.begin()
    setup = yield from board_of(rehearsal, services_to_move(fork, app), weights_of(around.policy))
    before = balance_of(setup)
    steps = yield from setup.board.search(most)
    moves = [_move(setup, step) for step in steps]
    return RebalanceView(
        revision=revision,
        policy=around.policy.name,
        done=False,
        moves=_joined(moves),
        before=before,
        after=balance_of(setup),
        more=len(steps) == most,
    )


def moving(moves: Sequence[MoveView], by: str) -> MoveTasks:
    """The command that tells these tasks to move."""
    return MoveTasks(
        tuple(move.id for move in moves),
        tuple(move.origin for move in moves),
        tuple(move.target for move in moves),
        tuple(move.why for move in moves),
        by,
    )


def services_to_move(tables: Tables, app: str | None) -> list[Service]:
    """All services, or those of an app. Raises NotFound where there is no such app."""
    found = [service for service in tables.services.values() if app is None or service.spec.app == app]
    if app is not None and not found:
        raise NotFound(f"there is no app {app}")
    return found


def weights_of(policy: Policy) -> dict[str, float]:
    """What the scores of a policy weigh, by name."""
    return {term.score.name: term.weight for term in policy.terms}


def balance_of(setup: Setup) -> BalanceView:
    """How evenly the nodes are used, and what the connections between services cost."""
    ledger = setup.board.ledger
    used = shares(ledger).max(axis=0) if len(ledger.nodes) else np.zeros(1)
    tasks = ledger.tasks if len(ledger.nodes) else np.zeros(1, dtype=np.int64)
    costs = costs_of(ledger.network, setup.edges, setup.board.placed) if ledger.network is not None else []
    return BalanceView(
        most_used_mean=round(float(used.mean()), _DIGITS),
        most_used_highest=round(float(used.max()), _DIGITS),
        most_used_deviation=round(float(used.std()), _DIGITS),
        tasks_lowest=int(tasks.min()),
        tasks_highest=int(tasks.max()),
        tasks_deviation=round(float(tasks.std()), _DIGITS),
        network_cost=round(sum(each.cost for each in costs), 3),
        unmet_limits=sum(each.unmet_tasks for each in costs),
    )


def _move(setup: Setup, step: Step) -> tuple[Task, MoveView]:
    task, names = setup.task_of(step), setup.board.ledger.nodes.names
    told = ", ".join(f"{name} {gain:+.3g}" for name, gain in step.terms[:_TERMS_SHOWN])
    view = MoveView(
        id=task.id,
        name=task.name,
        service=task.service,
        app=task.app,
        origin=names[step.origin],
        target=names[step.target],
        gain=round(step.gain, _DIGITS),
        terms={name: round(gain, _DIGITS) for name, gain in step.terms},
        why=f"better balanced ({told})" if step.terms[0][0] != "network" else f"nearer to what it talks with ({told})",
    )
    return task, view


def _joined(moves: Sequence[tuple[Task, MoveView]]) -> list[MoveView]:
    """A task that is moved twice is moved once, from the first place to the last; not at all where they are one."""
    found: dict[str, MoveView] = {}
    for task, view in moves:
        first = found.pop(task.id, None)
        if first is not None and first.origin == view.target:
            continue
        found[task.id] = view if first is None else _after(first, view)
    return list(found.values())


def _after(first: MoveView, then: MoveView) -> MoveView:
    terms = {name: first.terms.get(name, 0.0) + then.terms.get(name, 0.0) for name in {**first.terms, **then.terms}}
    return MoveView(
        id=then.id,
        name=then.name,
        service=then.service,
        app=then.app,
        origin=first.origin,
        target=then.target,
        gain=first.gain + then.gain,
        terms=terms,
        why=then.why,
    )
