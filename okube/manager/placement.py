"""From the tables to the scheduler's arrays, and from its answer to commands. Pure."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from types import MappingProxyType

from okube.manager.calls import Calls, Network
from okube.manager.companies import Companies, in_order
from okube.manager.flows import network_view
from okube.manager.nodetable import node_table
from okube.manager.queueing import in_order_of_apps
from okube.manager.returning import Returns
from okube.manager.scheduling import scheduling_in
from okube.manager.slices import ROWS_AT_ONCE, at_once, slices
from okube.model.commands import Command, PlaceTasks, WithdrawTasks
from okube.model.endings import START_FAILURES
from okube.model.spec import ServiceSpec
from okube.model.task import Moving, Task
from okube.scheduler import SPREAD, NodeTable, Placement, Policy, PortRequest, TaskGroup, place_in_slices
from okube.scheduler.filters import Filter
from okube.state import Tables
from okube.state.readiness import held_by
from okube.state.tasks import is_lost, may_be_placed

__all__ = ["group_of", "next_start_ms", "plan_placement", "plan_placement_in_slices", "waiting_tasks"]

_NONE: Mapping[str, str] = MappingProxyType({})


def waiting_tasks(tables: Tables, now_ms: int) -> list[Task]:
    """Pending tasks that may be placed now, oldest first."""
    return [task for task, at_ms in _pending(tables) if at_ms <= now_ms and may_be_placed(tables, task)]


def next_start_ms(tables: Tables, now_ms: int) -> int | None:
    """When the next pending task has waited long enough, or None."""
    return min((at_ms for _, at_ms in _pending(tables) if at_ms > now_ms), default=None)


def _pending(tables: Tables) -> Iterator[tuple[Task, int]]:
    """Pending tasks, and when each may be placed: it may back off, or its predecessor's node may be back soon."""
    returns = Returns(tables)
    for task_id in tables.tasks_in_state.get("pending", ()):
        task = tables.tasks[task_id]
        yield task, task.not_before_ms if task.replaces is None else max(task.not_before_ms, returns.until_ms(task))


def plan_placement(tables: Tables, now_ms: int, unsure: Mapping[str, str] = _NONE) -> list[Command]:
    """A node for each waiting task that fits somewhere, a sentence for each that does not and has not said so yet.

    ``unsure`` are nodes that count as ready and are silent now, each with a word for it: where many fall silent
    together, one after the other goes down, and the tasks of the first must not be given to the last.
    """
    return at_once(plan_placement_in_slices(tables, now_ms, unsure))


def plan_placement_in_slices(
    tables: Tables,
    now_ms: int,
    unsure: Mapping[str, str] = _NONE,
    *,
    policy: Policy = SPREAD,
    filters: Sequence[Filter] = (),
    network: Network | None = None,
    waiting: list[Task] | None = None,
    nodes: NodeTable | None = None,
) -> Generator[None, None, list[Command]]:
    """The same, a group of equal tasks at a time, so that what else waits gets its turn in between.

    Rooms and tasks are as they were at its start; what is not true any more when a command comes, that command skips.
    ``network`` tells what is known between nodes, else what is declared counts; it is asked where a service that waits
    talks with another. ``waiting`` are the tasks to place, where not all that wait; ``nodes`` the
    table of nodes as they are now, where there is one.
    """
    if waiting is None:
        waiting = waiting_tasks(tables, now_ms)
    if not waiting:
        return []
    nodes = node_table(tables, unsure) if nodes is None else nodes
    alike = in_order(in_order_of_apps(tables, _alike(tables, waiting), scheduling_in(tables).order))
    companies, calls = Companies(tables), Calls(tables)
    between = network_view(tables, network) if calls.any_rules(alike) else None
    unready = {id(tasks): "; ".join(held_by(tables, tasks[0].service_id, spec)) for tasks, spec in alike}
    yield
    placement = yield from place_in_slices(
        nodes,
        (group_of(tables, tasks, spec, companies, calls) for tasks, spec in alike if not unready[id(tasks)]),
        policy=policy,
        filters=filters,
        network=between,
    )
    commands: list[Command] = [*_placing(placement)]
    told = [(task_id, rejection.message) for rejection in placement.rejected for task_id in rejection.tasks]
    told += [(task.id, unready[id(tasks)]) for tasks, _ in alike if unready[id(tasks)] for task in tasks]
    unplaced = [
        (task_id, message)
        for task_id, message in told
        if (task := tables.tasks.get(task_id)) is not None
        and task.message != message
        and not _room_is_made(tables, task)
    ]
    for rows in slices(unplaced):
        ids, messages = zip(*rows, strict=True)
        commands.append(WithdrawTasks(ids, messages))
    return commands


def _room_is_made(tables: Tables, task: Task) -> bool:
    """Whether others still stop for a task, which says so itself."""
    if not isinstance(task.nominated, str):
        return False
    there = (tables.tasks[task_id] for task_id in tables.tasks_on_node.get(task.nominated, ()))
    return any(other.stop_reason == "preempted" and not other.ended for other in there)


def _placing(placement: Placement) -> Iterator[PlaceTasks]:
    """The columns of what is placed, cut into commands."""
    for start in range(0, len(placement.tasks), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        numbers: dict[str, int] = {}
        reason_of = tuple([numbers.setdefault(reason, len(numbers)) for reason in placement.reasons[part]])
        yield PlaceTasks(
            ids=tuple(placement.tasks[part]),
            nodes=tuple(placement.nodes[part]),
            host_ports=tuple(placement.host_ports[part]),
            reasons=tuple(numbers),
            reason_of=reason_of,
        )


def _alike(tables: Tables, waiting: list[Task]) -> list[tuple[list[Task], ServiceSpec]]:
    """Tasks of one version of one service, with its spec."""
    by_version: dict[tuple[str, int], list[Task]] = {}
    for task in waiting:
        by_version.setdefault((task.service_id, task.version), []).append(task)
    return [(tasks, tables.specs[key]) for key, tasks in by_version.items()]


def group_of(tables: Tables, tasks: list[Task], spec: ServiceSpec, companies: Companies, calls: Calls) -> TaskGroup:
    """Tasks of one version of one service as the scheduler sees them."""
    slots = {task.slot: task.id for task in tasks}
    placed: dict[str, int] = {}
    avoid: dict[str, set[str]] = {}
    for other in tables.tasks_of(tasks[0].service_id):
        if other.node is None:
            continue
        if not other.ended:
            if not is_lost(tables, other):
                placed[other.node] = placed.get(other.node, 0) + 1
        elif other.reason in START_FAILURES and other.version == tasks[0].version and other.slot in slots:
            avoid.setdefault(slots[other.slot], set()).add(other.node)
    rules, talks = companies.rules(tasks[0].service_id, spec), calls.rules(tasks[0].service_id, spec)
    return TaskGroup(
        service=tasks[0].service_id,
        tasks=tuple(task.id for task in tasks),
        cpus=spec.resources.cpus,
        memory=spec.resources.memory,
        disk=spec.resources.disk,
        ports=tuple(PortRequest(p.host, p.container, p.protocol) for p in spec.ports),
        constraints=spec.constraints,
        placed=placed,
        avoid={task_id: frozenset(nodes) for task_id, nodes in avoid.items()},
        pinned={task.id: task.pinned for task in tasks if task.pinned is not None},
        name=spec.name,
        knows=spec.agents_know,
        prefer=tuple((each.constraint, each.weight) for each in spec.preferences),
        company=rules,
        others=companies.others([*rules, *talks]),
        calls=talks,
        max_per_node=spec.max_per_node or 0,
        named=tuple(sorted(spec.resources.counts.items())),
        toward={task.id: task.moving.target for task in tasks if isinstance(task.moving, Moving)},
        nominated={task.id: task.nominated for task in tasks if isinstance(task.nominated, str)},
    )
