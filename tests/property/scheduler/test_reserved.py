"""Bandwidth is reserved by where tasks are, whatever came before, and never more of it than there is."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.scheduler import CallRule, TaskGroup, place
from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.flows import Flow
from okube.scheduler.links import Links
from okube.scheduler.network import NetworkView
from okube.scheduler.reserved import Reserved
from okube.scheduler.topology import Topology
from tests.unit.scheduler.builders import Node, a_group, a_table

NAMES = tuple(f"w{number}" for number in range(5))
PLACES = [Place("eu", zone, rack) for zone in ("a", "b", "") for rack in ("1", "2", "")] + [Place("us", "c", "1")]
ASKED = {"web": ("db", 40), "api": ("db", 25), "batch": ("web", 30), "db": ("", 0)}

costs = st.builds(Cost, st.sampled_from([0.001, 0.02, float("nan")]), st.sampled_from([-1, 60, 100, 250]))
pairs = st.dictionaries(st.tuples(st.sampled_from("ab12"), st.sampled_from("ab12")), costs, max_size=4)
levels = st.dictionaries(st.sampled_from(Level), st.builds(LevelCosts, pairs, within=costs, between=costs))
places = st.lists(st.sampled_from(PLACES), min_size=5, max_size=5)
speeds = st.lists(st.sampled_from([-1, 50, 100, 150, 200]), min_size=5, max_size=5)
counts = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 2), max_size=3)
flows = st.builds(lambda bps, web, db: Flow("web", "db", bps, web, db), st.integers(10, 60), counts, counts)


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    return Topology(draw(places), draw(levels), links=np.array(draw(speeds)))


def used_one_by_one(links: Links, flow: Flow) -> dict[int, Fraction]:
    """What a flow reserves, task by task, in plain words."""
    used: defaultdict[int, Fraction] = defaultdict(Fraction)
    for name, tasks in flow.dependents.items():
        row = NAMES.index(name)
        if not flow.dependencies or name in flow.dependencies:
            continue
        used[row] += tasks * flow.bps
        partners = list(_partners(links, flow, row))
        for target, share in partners:
            used[target] += tasks * share * flow.bps
            shared = int(links.shared(links.place_of[row], links.place_of[target]))
            if shared >= 0:
                used[shared] += tasks * share * flow.bps
    return used


def _partners(links: Links, flow: Flow, row: int) -> Iterator[tuple[int, Fraction]]:
    targets = {NAMES.index(name): count for name, count in flow.dependencies.items()}
    able = {target for target in targets if _could_carry(links, row, target, flow.bps)} or set(targets)
    far = {target: float(links.nearness(links.place_of[row], links.place_of[target])) for target in able}
    nearest = [target for target in sorted(able) if far[target] == min(far.values())]
    for target in nearest:
        yield target, Fraction(targets[target], sum(targets[each] for each in nearest))


def _could_carry(links: Links, row: int, target: int, bps: int) -> bool:
    shared = int(links.shared(links.place_of[row], links.place_of[target]))
    return bool(links.capacity[target] >= bps and (shared < 0 or links.capacity[shared] >= bps))


@given(topologies(), flows)
def test_what_is_reserved_is_the_sum_over_all_dependents(topology: Topology, flow: Flow) -> None:
    found = Reserved(Links(topology, NAMES), [flow])
    expected = used_one_by_one(found.links, flow)

    assert all(abs(bps - float(expected[link])) < 1e-6 for link, bps in enumerate(found.used.tolist()))


@given(topologies(), flows, st.lists(st.sampled_from(range(5)), max_size=4), st.booleans())
def test_what_is_added_one_by_one_is_what_was_there_at_once(
    topology: Topology, flow: Flow, rows: list[int], dependents: bool
) -> None:
    found = Reserved(Links(topology, NAMES), [flow])
    found.used  # noqa: B018  # worked out, so that what follows is added to it
    group = _group("web" if dependents else "db", flow.bps)
    for row in rows:
        found.add(group, [row])
    more = Counter(NAMES[row] for row in rows)
    after = replace(
        flow,
        dependents=Counter(flow.dependents) + more if dependents else flow.dependents,
        dependencies=flow.dependencies if dependents else Counter(flow.dependencies) + more,
    )

    assert np.allclose(found.used, Reserved(found.links, [after]).used, atol=1e-6)


@given(topologies(), flows)
def test_where_a_dependent_is_let_in_it_fits_and_where_it_is_not_it_would_not(topology: Topology, flow: Flow) -> None:
    found = Reserved(Links(topology, NAMES), [flow])
    over = _over(found)
    for row, allowed in enumerate(found.allows(_group("web", flow.bps)).tolist()):
        after = _with(found, flow, "web", row)
        assert allowed == (_over(after) <= over and _load_fits(found, after))


crowded = st.builds(
    lambda web, db: Flow("web", "db", 40, web, {db: 1}),
    st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), min_size=2, max_size=4),
    st.sampled_from(NAMES),
)
narrow = st.builds(
    lambda places, speeds, levels: Topology(places, levels, links=np.array(speeds)),
    st.lists(st.sampled_from(PLACES[:6]), min_size=5, max_size=5),
    st.lists(st.sampled_from([-1, 80, 160]), min_size=5, max_size=5),
    st.one_of(st.just({}), levels),
)


@given(narrow, crowded)
def test_where_a_task_of_a_dependency_is_let_in_no_link_goes_over_its_capacity(topology: Topology, flow: Flow) -> None:
    found = Reserved(Links(topology, NAMES), [flow])
    if _over(found) or not flow.dependencies:  # then any new one can only help
        return
    for row in np.flatnonzero(found.allows(_group("db"))).tolist():
        assert not _over(_with(found, flow, "db", row))


def _with(found: Reserved, flow: Flow, service: str, row: int) -> Reserved:
    after = Reserved(found.links, [flow])
    after.add(_group(service, flow.bps), [row])
    return after


def _over(found: Reserved) -> set[int]:
    found.links.all()
    return set(np.flatnonzero(found.free < -1).tolist())


def _load_fits(before: Reserved, after: Reserved) -> bool:
    """Whether every link that has more to carry now has room for it."""
    more = after.used > before.used + 1e-6
    return bool((after.free[more] >= -1).all())


def _group(service: str, bps: int | None = None) -> TaskGroup:
    target, asked = ASKED[service]
    rule = CallRule(target, target, min_bandwidth_bps=asked if bps is None else bps)
    return replace(a_group(1, service=service), calls=(rule,) if target else ())


steps = st.lists(
    st.tuples(st.sampled_from(sorted(ASKED)), st.integers(0, 99), st.sampled_from([False] * 4 + [True])), max_size=12
)


@settings(deadline=None)
@given(topologies(), steps)
def test_whatever_is_placed_and_ends_no_link_is_promised_more_than_it_carries(
    topology: Topology, steps: list[tuple[str, int, bool]]
) -> None:
    running: dict[str, Counter[str]] = {service: Counter() for service in ASKED}
    for service, number, ends in steps:
        before = _reserved(topology, running)
        if ends:
            names = sorted(running[service].elements())
            if names:
                running[service] -= Counter([names[number % len(names)]])
        else:
            _place(topology, running, service)
        after = _reserved(topology, running)
        # A dependency that ends, or that comes back when all were gone, may leave too much on what remains.
        if not (service in ("db", "web") and (ends or not before[1][service])):
            assert ((after[0].free >= -1) | (after[0].free >= before[0].free[: len(after[0].free)] - 1)).all()


def _reserved(topology: Topology, running: dict[str, Counter[str]]) -> tuple[Reserved, dict[str, int]]:
    found = Reserved(Links(topology, NAMES), _flows(running))
    found.links.all()
    return found, {service: tasks.total() for service, tasks in running.items()}


def _flows(running: dict[str, Counter[str]]) -> list[Flow]:
    return [
        Flow(service, target, bps, dict(running[service]), dict(running[target]))
        for service, (target, bps) in ASKED.items()
        if target
    ]


def _place(topology: Topology, running: dict[str, Counter[str]], service: str) -> None:
    group = _group(service)
    theirs = [
        CallRule(name, name, min_bandwidth_bps=bps, depends=True) for name, (to, bps) in ASKED.items() if to == service
    ]
    group = replace(group, calls=(*group.calls, *theirs), placed=running[service], others=running)
    placement = place(a_table(*map(Node, NAMES)), [group], network=NetworkView(topology, _flows(running)))
    running[service] += Counter(task.node for task in placement.placed)
