"""Parameters as the table of routes has them: what is wrong is named, whatever the handler would have made of it."""

import pytest
from multidict import MultiDict

from okube.manager.api.parameters import wrong_parameters
from okube.manager.api.routes import ROUTES, route_of


def _wrong(method: str, path: str, query: str = "", **headers: str) -> list[tuple[str, str]]:
    route = route_of(method, path)
    assert route is not None
    pairs = MultiDict[str](pair.partition("=")[::2] for pair in query.split("&") if pair)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [(error.path, error.message) for error in wrong_parameters(route, pairs, named)]


@pytest.mark.parametrize(
    "query", ["", "limit=1", "limit=10000", "stale=true", "stale=FALSE", "state=running&state=failed", "service=a-b"]
)
def test_what_the_table_says_is_taken(query: str) -> None:
    assert _wrong("GET", "/v1/tasks", query) == []


@pytest.mark.parametrize(
    ("query", "path", "words"),
    [
        ("limit=0", "limit", "1 to 10000"),
        ("limit=10001", "limit", "1 to 10000"),
        ("limit=ten", "limit", "not a number"),
        ("limit=1.5", "limit", "not a number"),
        ("limit=", "limit", "not a number"),
        ("limit=\u0663", "limit", "not a number"),
        ("limit=" + "9" * 5000, "limit", "not a number"),
        ("stale=perhaps", "stale", "true or false"),
        ("state=runing", "state", "did you mean 'running'"),
        ("limt=3", "limt", "did you mean 'limit'"),
        ("all=true&all=false", "all", "twice"),
    ],
)
def test_what_it_does_not_say_is_named_with_what_would_be_right(query: str, path: str, words: str) -> None:
    found = _wrong("GET", "/v1/tasks", query)
    assert [error[0] for error in found] == [path]
    assert words in found[0][1]


def test_headers_are_looked_at_too() -> None:
    assert _wrong("POST", "/v1/scale", Idempotency_Key="k", If_Match='"7"') == []
    wrong = _wrong("POST", "/v1/scale", Idempotency_Key="k" * 256)
    assert {error[0] for error in wrong} == {"Idempotency-Key"}


def test_what_its_handler_explains_is_left_to_it() -> None:
    assert _wrong("POST", "/v1/scale", If_Match="seven") == []


def test_every_parameter_of_the_table_can_be_checked() -> None:
    for route in ROUTES:
        for name in route.query:
            list(wrong_parameters(route, MultiDict({name: "1"}), {}))
