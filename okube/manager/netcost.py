"""What an app's placement costs in the network, and what the best one that is found would: tried, not done. Pure."""

import math
from collections.abc import Generator, Mapping, Sequence

from okube.manager.boards import Setup, board_of, why_it_stays
from okube.manager.edges import costs_of
from okube.manager.rebalancing import services_to_move
from okube.manager.rehearsal import Rehearsal, Surroundings
from okube.manager.whatif import limit_words
from okube.model.foresight_views import EdgeCostView, NetCostView, NetMoveView
from okube.model.service import Service
from okube.scheduler import policy_of
from okube.scheduler.edges import EdgeCost
from okube.scheduler.nodes import IntArray
from okube.state import Tables
from okube.state.fork import forking

__all__ = ["net_cost_view"]

_MOST_STEPS = 10_000
_LEAST_GAIN = 1e-6
_NETWORK_ALONE = {"network": 100.0}
_DIGITS = 3
Counts = Mapping[str, IntArray]


def net_cost_view(
    tables: Tables, app: str, now_ms: int, around: Surroundings, *, alone: bool = False
) -> Generator[None, None, NetCostView]:
    """The costs now and at best, dependency by dependency, and the moves from the one to the other.

    They are those of what the app depends on and, unless ``alone``, of what depends on it.

    Two ways are tried: from the placement as it is, and from one that is made anew, dependencies first, with the policy
    `network`; from each, single moves are made until none makes it cheaper. The cheaper end counts, or what is now.

    Raises:
        NotFound: there is no such app.
    """
    revision = tables.revision
    fork = yield from forking(tables)
    services_to_move(fork, app)
    settled = Rehearsal(fork, now_ms, around)
    yield from settled.begin()
    now = yield from _board(settled, app)
    ends = [_copied(now)]
    before = _costs(now, app, settled.tables, alone=alone)
    yield from now.board.search(_MOST_STEPS, threshold=_LEAST_GAIN)
    ends.append(_copied(now))
    anew = yield from _anew(settled.tables, app, now_ms, around)
    if anew is not None:
        ends.append(_copied(anew))
    edges = [each.edge for each in before]
    network = now.board.ledger.network
    found = [(_sum(costs_of(network, edges, end)), n, end) for n, end in enumerate(ends)] if network else []
    _, _, best = min(found, key=lambda each: (each[0][0], round(each[0][1], 6), each[1]), default=(None, 0, ends[0]))
    after = costs_of(network, edges, best) if network else []
    names = now.board.ledger.nodes.names
    return NetCostView(
        app=app,
        revision=revision,
        cost=round(_sum(before)[1], _DIGITS),
        unmet=_sum(before)[0],
        best_cost=round(_sum(after)[1], _DIGITS),
        best_unmet=_sum(after)[0],
        edges=[_edge(one, other) for one, other in zip(before, after, strict=True)],
        moves=[move for service in _of_app(fork, app) for move in _moves(service, ends[0], best, names)],
        staying=[service.name for service in _of_app(fork, app) if why_it_stays(service)],
    )


def _of_app(tables: Tables, app: str) -> list[Service]:
    return sorted(services_to_move(tables, app), key=lambda service: service.name)


def _board(rehearsal: Rehearsal, app: str) -> Generator[None, None, Setup]:
    return (yield from board_of(rehearsal, services_to_move(rehearsal.tables, app), _NETWORK_ALONE))


def _anew(tables: Tables, app: str, now_ms: int, around: Surroundings) -> Generator[None, None, Setup | None]:
    """The app placed anew and improved by single moves; None where not all of it finds a place that way."""
    fork = yield from forking(tables)
    nearness = policy_of("network", {"spread": 0.0, "balance": 0.0, "tasks": 0.0})
    rehearsal = Rehearsal(fork, now_ms, Surroundings(policy=nearness, filters=around.filters, survey=around.survey))
    before = {service.id: fork.sums_of(service).running for service in _of_app(fork, app)}
    for service in _of_app(fork, app):
        if not why_it_stays(service):
            for task in fork.tasks_of(service.id):
                if not task.ended:
                    fork.delete_task(task.id)
    fork.changes.clear()
    yield from rehearsal.settle()
    if any(fork.sums_of(service).running < before[service.id] for service in _of_app(fork, app)):
        return None
    setup = yield from _board(rehearsal, app)
    yield from setup.board.search(_MOST_STEPS, threshold=_LEAST_GAIN)
    return setup


def _copied(setup: Setup) -> dict[str, IntArray]:
    return {service: counts.copy() for service, counts in setup.board.placed.items()}


def _costs(setup: Setup, app: str, tables: Tables, *, alone: bool) -> list[EdgeCost]:
    """What all dependencies of the app's services cost, and those of others on them."""
    own = {service.id for service in services_to_move(tables, app)}
    edges = [edge for edge in setup.edges if edge.source in own or (edge.target in own and not alone)]
    edges.sort(key=lambda edge: (edge.source_name, edge.target_name))
    network = setup.board.ledger.network
    return [] if network is None else costs_of(network, edges, setup.board.placed)


def _sum(costs: Sequence[EdgeCost]) -> tuple[int, float]:
    return sum(each.unmet_tasks for each in costs), sum(each.cost for each in costs)


def _edge(now: EdgeCost, best: EdgeCost) -> EdgeCostView:
    edge = now.edge
    return EdgeCostView(
        service=edge.source_name,
        depends_on=edge.target_name,
        limit=limit_words(edge),
        traffic=edge.traffic_bps,
        tasks=now.tasks,
        round_trip=_known(now.mean_s),
        longest=_known(now.worst_s),
        unknown=now.unknown,
        cost=round(now.cost, _DIGITS),
        unmet=now.unmet_tasks,
        best_round_trip=_known(best.mean_s),
        best_cost=round(best.cost, _DIGITS),
        best_unmet=best.unmet_tasks,
    )


def _known(seconds: float) -> float | None:
    return None if math.isnan(seconds) else seconds


def _moves(service: Service, before: Counts, after: Counts, names: Sequence[str]) -> list[NetMoveView]:
    """From nodes with more tasks than at best to those with fewer, each in the order of their names."""
    if service.id not in before or service.id not in after:
        return []
    change = after[service.id] - before[service.id]
    leaving = [row for row, count in enumerate(change.tolist()) for _ in range(max(0, -count))]
    coming = [row for row, count in enumerate(change.tolist()) for _ in range(max(0, count))]
    found: dict[tuple[int, int], int] = {}
    for pair in zip(leaving, coming, strict=True):
        found[pair] = found.get(pair, 0) + 1
    return [
        NetMoveView(service=service.name, origin=names[origin], target=names[target], tasks=tasks)
        for (origin, target), tasks in found.items()
    ]
