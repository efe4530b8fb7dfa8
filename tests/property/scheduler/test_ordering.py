import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.graph import circle_in, components
from okube.scheduler.ordering import ORDERS

_names = st.sampled_from("abcdefg")
graphs = st.dictionaries(_names, st.lists(_names, max_size=3), max_size=7)


def reached(graph: dict[str, list[str]], start: str) -> set[str]:
    """All that one depends on, directly or not, within the graph."""
    found: set[str] = set()
    new = {start}
    while new:
        new = {target for name in new for target in graph[name] if target in graph} - found
        found |= new
    return found


@settings(max_examples=200, deadline=None)
@given(graphs)
def test_every_order_has_each_name_once(graph: dict[str, list[str]]) -> None:
    for order in ORDERS.values():
        assert sorted(order(graph)) == sorted(graph)


@settings(max_examples=200, deadline=None)
@given(graphs)
def test_dependencies_come_before_who_is_not_in_a_circle_with_them(graph: dict[str, list[str]]) -> None:
    for sort in ("kahn", "tarjan"):
        place = {name: number for number, name in enumerate(ORDERS[sort](graph))}
        for name in graph:
            for target in reached(graph, name):
                if name not in reached(graph, target):
                    assert place[target] < place[name]


@settings(max_examples=200, deadline=None)
@given(graphs)
def test_a_component_is_those_that_reach_each_other(graph: dict[str, list[str]]) -> None:
    for members in components(graph):
        for name in members:
            mutual = {other for other in reached(graph, name) if name in reached(graph, other)}
            assert mutual | {name} == set(members)


@settings(max_examples=200, deadline=None)
@given(graphs)
def test_a_circle_is_found_if_and_only_if_somebody_reaches_itself(graph: dict[str, list[str]]) -> None:
    circle = circle_in(graph)

    assert bool(circle) == any(name in reached(graph, name) for name in graph)
    if circle:
        assert circle[0] == circle[-1]
        assert len(set(circle[1:])) == len(circle) - 1
        assert all(target in graph[name] for name, target in itertools.pairwise(circle))
