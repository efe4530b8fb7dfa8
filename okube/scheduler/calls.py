"""The network and the tasks of a group: a filter for limits, and the verdict that it shares with the score."""

from math import inf

import numpy as np

from okube.scheduler.groups import CallRule
from okube.scheduler.lacking import lacking
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.network import Hearing, Neighbour, Verdict
from okube.scheduler.nodes import BoolArray, IntArray
from okube.scheduler.ports import UNLIMITED
from okube.scheduler.rules import Refusal, any_number

__all__ = ["NetworkFilter", "network_moves_room", "verdict_is_steady", "verdict_of", "waits"]

_NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)


def verdict_of(ledger: Ledger, demand: Demand) -> Verdict | None:
    """What each node is worth to the next task of the group; None where it talks with nobody.

    Where only dependencies count, the group's own tasks change nothing in it, and it is the same for all who have the
    same rules about services that are in the same places: so it is kept by these. Where others depend on the group, it
    changes with the group's own tasks, and by what these change.
    """
    network, talk = ledger.network, demand.talk
    if network is None or not talk.rules:
        return None
    if talk.is_steady(demand.group.service):
        where = tuple([ledger.whereabouts(rule.service) for rule in talk.rules])

        def judge() -> Verdict:
            return network.judge(_NO_ROWS, [_neighbour(ledger, rule) for rule in talk.rules])

        return ledger.kept.fixed(("network", talk, where), judge)
    if ledger.hearing is None or ledger.hearing[0] is not demand:
        ledger.hearing = demand, Hearing(network, [_neighbour(ledger, rule) for rule in talk.rules])
    return ledger.hearing[1].judge(np.flatnonzero(ledger.spread.by_node))


def verdict_is_steady(demand: Demand) -> bool:
    """Whether a task that is placed changes nothing in the verdict for the next one of the group."""
    return demand.talk.is_steady(demand.group.service)


def waits(ledger: Ledger, demand: Demand) -> bool:
    """Whether the group waits for a service that it depends on, so that no node can take it yet."""
    return bool(demand.talk.waiting) and _waiting(ledger, demand) is not None


def network_moves_room(demand: Demand) -> bool:
    """Whether a task that is placed changes which nodes are near enough for the next one of the group."""
    return demand.talk.moves_room


class NetworkFilter:
    """After the services that it depends on, and near enough to them and to those that depend on it."""

    name = "network"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        if not demand.group.calls:
            return np.full(len(ledger.nodes), UNLIMITED, dtype=np.int64)
        return any_number(_allowed(ledger, demand))

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``; a node that is too far from several counts for the first of them."""
        waiting = _waiting(ledger, demand)
        if waiting is not None:
            return [Refusal(len(refused), _why_wait(waiting))]
        refusals = []
        verdict = verdict_of(ledger, demand)
        for neighbour, too_far in () if verdict is None else verdict.refusals:
            here = too_far[refused]
            if here.any():
                refusals.append(Refusal(int(here.sum()), neighbour.complaint))
            refused = refused[~here]
        return [*refusals, *(() if ledger.reserved is None else lacking(ledger.reserved, demand.group, refused))]


def _allowed(ledger: Ledger, demand: Demand) -> BoolArray:
    if waits(ledger, demand):
        return np.zeros(len(ledger.nodes), dtype=np.bool_)
    verdict = verdict_of(ledger, demand)
    allowed = np.ones(len(ledger.nodes), dtype=np.bool_) if verdict is None else verdict.allowed
    return allowed if ledger.reserved is None else allowed & ledger.reserved.allows(demand.group)


def _waiting(ledger: Ledger, demand: Demand) -> CallRule | None:
    """The first rule that the group has to wait for."""
    for rule in demand.talk.waiting:
        if not rule.service or not ledger.tasks_of(rule.service).any():
            return rule
    return None


def _why_wait(rule: CallRule) -> str:
    if not rule.service:
        return f"it depends on {rule.name}, and there is no such service"
    return f"it depends on {rule.name}, which has no task on a node yet"


def _neighbour(ledger: Ledger, rule: CallRule) -> Neighbour:
    counts = ledger.tasks_of(rule.service)
    rows = np.flatnonzero(counts)
    return Neighbour(
        service=rule.name,
        rows=rows,
        tasks=counts[rows],
        max_latency_s=inf if rule.max_latency_s is None else rule.max_latency_s,
        min_bandwidth_bps=rule.min_bandwidth_bps,
        traffic_bps=rule.traffic_bps,
        depends=rule.depends,
    )
