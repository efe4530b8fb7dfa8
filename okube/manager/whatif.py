"""What would become of the cluster if nodes were lost or others came: tried on tables of their own. Pure."""

import math
from collections.abc import Generator, Sequence

import msgspec

from okube.manager.edges import unmet_in
from okube.manager.losses import Loss, quorum_after
from okube.manager.outcomes import Outcome, outcomes
from okube.manager.planning import MOST_TASKS, planned_services, putting
from okube.manager.rehearsal import Rehearsal, Surroundings
from okube.model.commands import SetNodeState
from okube.model.errors import FieldError, InvalidInput
from okube.model.foresight_views import BrokenLimitView, LostServiceView, WhatIfView
from okube.model.node import Node
from okube.model.quantities import format_bandwidth, format_round_trip
from okube.model.service import Service
from okube.model.shapes import MOST_MACHINES, Machines
from okube.model.spec import ServiceSpec
from okube.model.versions import COMMAND_VERSION
from okube.raft import Member
from okube.scheduler.edges import Edge, EdgeCost
from okube.scheduler.network import NetworkView
from okube.state import Tables
from okube.state.fork import forking

__all__ = ["limit_words", "machines_of", "whatif_view"]

_NAMES_SHOWN = 5


def machines_of(tables: Tables, texts: Sequence[str]) -> list[Machines]:
    """The machines that would come.

    Raises:
        InvalidInput: a text is none, there is no node of a name, or they are too many.
    """
    found, errors = [], []
    for number, text in enumerate(texts):
        try:
            machines = Machines.parse(text)
        except ValueError as error:
            errors.append(FieldError(f"add[{number}]", str(error)))
            continue
        if machines.like and machines.like not in tables.nodes:
            message = f"there is no node {machines.like} to be copied; a shape is written such as 8c16g"
            errors.append(FieldError(f"add[{number}]", message))
        found.append(machines)
    if sum(machines.count for machines in found) > MOST_MACHINES:
        errors.append(FieldError("add", f"are more than {MOST_MACHINES} machines in all, the most that are looked at"))
    if errors:
        raise InvalidInput.of(errors, what="what is added")
    return found


def whatif_view(
    tables: Tables,
    loss: Loss,
    machines: Sequence[Machines],
    specs: Sequence[ServiceSpec],
    members: Sequence[Member],
    now_ms: int,
    around: Surroundings,
    down: Sequence[str] = (),
) -> Generator[None, None, WhatIfView]:
    """What would become of the cluster, in slices; ``tables`` stay as they are.

    ``down`` are the managers that do not answer as it is.

    Raises:
        OkubeError: the cluster would refuse these services.
    """
    revision = tables.revision
    fork = yield from forking(tables)
    rehearsal = Rehearsal(fork, now_ms, around)
    yield from rehearsal.begin()
    before = {service.id: fork.sums_of(service).running for service in fork.services.values()}
    unmet = unmet_in(fork, NetworkView(rehearsal.network()))
    added = _add(rehearsal, machines)
    lost = [fork.nodes[name] for name in loss.nodes]
    rehearsal.carry_out(SetNodeState(tuple(node.name for node in lost), tuple(node.id for node in lost), "down"))
    actions = putting(rehearsal, specs) if specs else []
    yield from rehearsal.settle()
    found = list(outcomes(rehearsal))
    views = [each.view() for each in found]
    unplaced = sum(view.step == "wait" for view in views)
    services = planned_services(rehearsal, actions, found)
    return WhatIfView(
        revision=revision,
        fits=not unplaced and not any(each.unplaced for each in services),
        settled=rehearsal.settled,
        lost=list(loss.nodes),
        added=added,
        quorum=quorum_after(members, loss.managers, down),
        moved=sum(view.step == "move" for view in views),
        unplaced=unplaced,
        tasks=views[:MOST_TASKS],
        suffering=list(_suffering(rehearsal, before, found, loss)),
        limits=[
            _limit(rehearsal, cost)
            for names, cost in unmet_in(fork, NetworkView(rehearsal.network())).items()
            if cost.unmet_tasks > (unmet[names].unmet_tasks if names in unmet else 0)
        ],
        services=services,
        left_out=max(0, len(views) - MOST_TASKS),
    )


def _add(rehearsal: Rehearsal, machines: Sequence[Machines]) -> list[str]:
    fork, added = rehearsal.tables, []
    number = 0
    for kind in machines:
        for _ in range(kind.count):
            number += 1
            while f"new-{number}" in fork.nodes:
                number += 1
            name = f"new-{number}"
            fork.put_node(_node(name, kind, fork.nodes.get(kind.like)))
            if kind.like and not kind.zone:
                rehearsal.stand_ins[name] = kind.like
            added.append(name)
    fork.changes.clear()
    return added


def _node(name: str, kind: Machines, like: Node | None) -> Node:
    if like is None:
        made = Node(name=name, id=name, address="", cores=kind.cores, memory=kind.memory, disk=kind.disk)
        return msgspec.structs.replace(made, zone=kind.zone, knows=COMMAND_VERSION)
    return Node(
        name=name,
        id=name,
        address="",
        labels=like.labels,
        region=like.region,
        zone=kind.zone or like.zone,
        rack="" if kind.zone else like.rack,
        cores=like.cores,
        memory=like.memory,
        disk=like.disk,
        runtime=like.runtime,
        knows=like.knows,
        named=like.named,
        platform=like.platform,
    )


def _suffering(
    rehearsal: Rehearsal, before: dict[str, int], found: Sequence[Outcome], loss: Loss
) -> Generator[LostServiceView, None, None]:
    why: dict[str, str] = {}
    for outcome in found:
        if outcome.step == "wait" and outcome.after is not None:
            why.setdefault(outcome.service_id, outcome.after.message)
    for service in sorted(rehearsal.tables.services.values(), key=lambda service: service.name):
        sums, was = rehearsal.tables.sums_of(service), before.get(service.id, 0)
        if sums.running < min(was, service.wanted if service.spec.mode != "global" else was):
            yield LostServiceView(
                name=service.name,
                app=service.spec.app,
                before=was,
                after=sums.running,
                total=sums.total,
                why=why.get(service.id) or _why_gone(service, rehearsal.tables, loss),
            )


def _why_gone(service: Service, tables: Tables, loss: Loss) -> str:
    if service.spec.mode != "global":
        return ""
    own = {task.node for task in tables.tasks_of(service.id) if not task.ended}
    names = [name for name in loss.nodes if name in own]
    shown = ", ".join(names[:_NAMES_SHOWN]) + (f" and {len(names) - _NAMES_SHOWN} more" * (len(names) > _NAMES_SHOWN))
    return f"a task of each node, and those of {shown} go with their nodes" if names else ""


def _limit(rehearsal: Rehearsal, cost: EdgeCost) -> BrokenLimitView:
    names = sorted(rehearsal.tables.nodes)
    away = [seconds for _, seconds in cost.unmet.values()]
    return BrokenLimitView(
        service=cost.edge.source_name,
        depends_on=cost.edge.target_name,
        limit=limit_words(cost.edge),
        tasks=cost.unmet_tasks,
        nodes=[names[row] for row in cost.unmet],
        round_trip=None if any(map(math.isnan, away)) else max(away, default=None),
    )


def limit_words(edge: Edge) -> str:
    """``within 2 ms and at 100 Mbit/s or more``; empty for none."""
    within = "" if edge.max_latency_s is None else f"within {format_round_trip(edge.max_latency_s)}"
    least = f"at {format_bandwidth(edge.min_bandwidth_bps)} or more" if edge.min_bandwidth_bps else ""
    return " and ".join(part for part in (within, least) if part)
