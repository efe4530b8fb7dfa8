"""What applying services would do: their tasks' places, who gives way, and what fits nowhere. Pure."""

from collections import Counter
from collections.abc import Generator, Sequence

from okube.manager.outcomes import Outcome, outcomes, unplaced_of
from okube.manager.rehearsal import Rehearsal, Surroundings
from okube.model.commands import PutServices
from okube.model.foresight_views import PlannedServiceView, PlannedTaskView, PlanView
from okube.model.spec import ServiceSpec
from okube.model.workload_views import Action
from okube.state import Tables
from okube.state.fork import forking
from okube.state.services import change_of, to_prune

__all__ = ["MOST_TASKS", "plan_view", "planned_services", "putting"]

MOST_TASKS = 10_000


def plan_view(
    tables: Tables,
    specs: Sequence[ServiceSpec],
    now_ms: int,
    around: Surroundings,
    *,
    prune: bool = False,
    within: tuple[str, ...] = (),
    by: str = "",
) -> Generator[None, None, PlanView]:
    """What applying these would do, in slices; ``tables`` stay as they are.

    What is under way already comes to its end first and is not told. ``within`` are the apps to which the caller is
    bound, as for ``PutServices``, and ``by`` is who asks: what is made counts for their quota.

    Raises:
        OkubeError: the cluster would refuse these services.
    """
    revision = tables.revision
    fork = yield from forking(tables)
    rehearsal = Rehearsal(fork, now_ms, around)
    yield from rehearsal.begin()
    actions = putting(rehearsal, specs, prune=prune, within=within, by=by)
    yield from rehearsal.settle()
    found = list(outcomes(rehearsal))
    names = {name for name, _ in actions}
    told = [each for each in found if each.service in names]
    services = planned_services(rehearsal, actions, found)
    tasks = [view for name, _ in actions for view in _tasks_of(rehearsal, name, told)]
    more = [each.view() for each in found if each.service not in names]
    return PlanView(
        revision=revision,
        fits=not any(each.unplaced for each in services),
        settled=rehearsal.settled,
        services=services,
        tasks=tasks[:MOST_TASKS],
        others=more[:MOST_TASKS],
        left_out=max(0, len(tasks) - MOST_TASKS) + max(0, len(more) - MOST_TASKS),
    )


def putting(
    rehearsal: Rehearsal,
    specs: Sequence[ServiceSpec],
    *,
    prune: bool = False,
    within: tuple[str, ...] = (),
    by: str = "",
) -> list[tuple[str, Action]]:
    """Apply services there; what that does to each, by name. Raises OkubeError where the cluster would refuse it."""
    tables = rehearsal.tables
    actions = [(spec.name, change_of(tables.service_named(spec.name), spec)) for spec in specs]
    if prune:
        actions += [(service.name, "removed") for service in to_prune(tables, specs)]
    ids = tuple(f"~{spec.name}" for spec in specs)
    rehearsal.carry_out(PutServices(tuple(specs), ids, "upsert", by, prune=prune, within=within))
    return actions


def planned_services(
    rehearsal: Rehearsal, actions: Sequence[tuple[str, Action]], found: Sequence[Outcome]
) -> list[PlannedServiceView]:
    """What became of each of these services."""
    changed = Counter(each.service for each in found if each.step != "wait")
    started = Counter(each.service for each in found if each.step in ("start", "move", "replace"))
    services = []
    for name, action in actions:
        service = rehearsal.tables.service_named(name)
        running = 0 if service is None else rehearsal.tables.sums_of(service).running
        unplaced = 0 if service is None else sum(1 for _ in unplaced_of(rehearsal, service.id))
        kept = max(0, running - started[name])
        services.append(
            PlannedServiceView(name=name, action=action, kept=kept, changed=changed[name], unplaced=unplaced)
        )
    return services


def _tasks_of(rehearsal: Rehearsal, name: str, found: Sequence[Outcome]) -> list[PlannedTaskView]:
    """The tasks of a service that change, and those that find no place although they change nothing."""
    mine = [each for each in found if each.service == name]
    told = {each.after.id for each in mine if each.after is not None}
    service = rehearsal.tables.service_named(name)
    unplaced = [] if service is None else unplaced_of(rehearsal, service.id)
    more = [each for each in unplaced if each.after is not None and each.after.id not in told]
    return [each.view() for each in (*mine, *more)]
