"""What applying services would do: their tasks' places, who gives way, and what fits nowhere. Pure."""

from collections.abc import Generator, Sequence

from okube.manager.outcomes import Outcome, outcomes, unplaced_of
from okube.manager.rehearsal import Rehearsal, Surroundings
from okube.model.commands import PutServices
from okube.model.foresight_views import PlannedServiceView, PlanView
from okube.model.spec import ServiceSpec
from okube.state import Tables
from okube.state.fork import forking
from okube.state.services import change_of, to_prune

__all__ = ["MOST_TASKS", "plan_view"]

MOST_TASKS = 10_000


def plan_view(
    tables: Tables,
    specs: Sequence[ServiceSpec],
    now_ms: int,
    around: Surroundings,
    *,
    prune: bool = False,
    within: tuple[str, ...] = (),
) -> Generator[None, None, PlanView]:
    """What applying these would do, in slices; ``tables`` stay as they are.

    What is under way already comes to its end first and is not told. ``within`` are the apps to which the caller is
    bound, as for ``PutServices``.

    Raises:
        OkubeError: the cluster would refuse these services.
    """
    revision = tables.revision
    fork = yield from forking(tables)
    rehearsal = Rehearsal(fork, now_ms, around)
    yield from rehearsal.begin()
    actions = [(spec.name, change_of(fork.service_named(spec.name), spec)) for spec in specs]
    actions += [(service.name, "removed") for service in (to_prune(fork, specs) if prune else [])]
    ids = tuple(f"~{spec.name}" for spec in specs)
    rehearsal.carry_out(PutServices(tuple(specs), ids, "upsert", prune=prune, within=within))
    yield from rehearsal.settle()
    names = {name for name, _ in actions}
    by_service: dict[str, list[Outcome]] = {}
    others: list[Outcome] = []
    for outcome in outcomes(rehearsal):
        row = outcome.after or outcome.before
        if row is not None and row.service in names:
            by_service.setdefault(row.service, []).append(outcome)
        else:
            others.append(outcome)
    found = []
    for name, action in actions:
        service = fork.service_named(name)
        mine = by_service.setdefault(name, [])
        told = {outcome.after.id for outcome in mine if outcome.after is not None}
        unplaced = [] if service is None else list(unplaced_of(rehearsal, service.id))
        mine += [each for each in unplaced if each.after is not None and each.after.id not in told]
        running = 0 if service is None else fork.sums_of(service).running
        changed = len(mine) - len(unplaced)
        started = sum(each.step in ("start", "move", "replace") for each in mine)
        found.append(
            PlannedServiceView(
                name=name, action=action, kept=max(0, running - started), changed=changed, unplaced=len(unplaced)
            )
        )
    tasks = [each.view() for name, _ in actions for each in by_service[name]]
    more = [each.view() for each in others]
    return PlanView(
        revision=revision,
        fits=not any(each.unplaced for each in found),
        settled=rehearsal.settled,
        services=found,
        tasks=tasks[:MOST_TASKS],
        others=more[:MOST_TASKS],
        left_out=max(0, len(tasks) - MOST_TASKS) + max(0, len(more) - MOST_TASKS),
    )
