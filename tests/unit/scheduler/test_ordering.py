import pytest

from okube.model.graph import circle_in, components
from okube.scheduler.ordering import ORDERS, alternating, kahn, tarjan

SHOP = {"web": ["api", "cache"], "api": ["db", "cache"], "cache": [], "db": [], "batch": ["db"]}


def test_dependencies_come_first_and_equals_by_name() -> None:
    assert kahn(SHOP) == ["cache", "db", "api", "batch", "web"]


def test_depth_first_all_that_one_needs_comes_before_the_next() -> None:
    assert tarjan(SHOP) == ["cache", "db", "api", "batch", "web"]
    assert tarjan({"a": ["z"], "b": ["y"], "y": [], "z": []}) == ["z", "a", "y", "b"]
    assert kahn({"a": ["z"], "b": ["y"], "y": [], "z": []}) == ["y", "b", "z", "a"]


def test_the_reverse_begins_with_the_front() -> None:
    assert ORDERS["reverse-kahn"](SHOP) == kahn(SHOP)[::-1]


@pytest.mark.parametrize(
    ("order", "expected"), [("", ""), ("a", "a"), ("ab", "ab"), ("abcd", "adbc"), ("abcde", "aebdc")]
)
def test_alternating_takes_from_both_ends(order: str, expected: str) -> None:
    assert alternating(list(order)) == list(expected)


def test_what_is_not_there_is_no_dependency() -> None:
    assert kahn({"web": ["nothing"]}) == ["web"]


def test_those_in_a_circle_stand_together_after_what_they_need() -> None:
    graph = {"a": ["b"], "b": ["c", "db"], "c": ["a"], "db": [], "web": ["a"]}

    assert kahn(graph) == tarjan(graph) == ["db", "a", "b", "c", "web"]
    assert components(graph) == [("db",), ("a", "b", "c"), ("web",)]


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        (SHOP, ()),
        ({"a": ["a"]}, ("a", "a")),
        ({"web": ["api"], "api": ["db"], "db": ["api"]}, ("api", "db", "api")),
        ({"a": ["b", "c"], "b": ["c"], "c": ["a"]}, ("a", "c", "a")),
    ],
)
def test_a_circle_is_told_as_short_as_it_is(graph: dict[str, list[str]], circle: tuple[str, ...]) -> None:
    assert circle_in(graph) == circle


def test_a_long_chain_is_no_trouble() -> None:
    chain = {f"s{number:05}": [f"s{number + 1:05}"] for number in range(20_000)}

    assert kahn(chain)[0] == tarjan(chain)[0] == "s19999"
    assert circle_in(chain) == ()
