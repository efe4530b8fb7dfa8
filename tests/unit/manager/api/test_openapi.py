"""The reference of the API: nothing is left out, and what it says is what the application has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from okube.manager.api.app import API_ROUTES
from okube.manager.api.openapi import document
from okube.manager.api.reference import markdown
from okube.manager.api.routes import ROUTES, route_of
from okube.manager.api.schemas import Schemas
from tests.unit.manager.conftest import Api

ROOT = Path(__file__).parents[4]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_every_route_of_the_application_is_in_the_table_and_no_other() -> None:
    served = {(route.method, re.sub(r":[^}]*}", "}", route.path)) for module in API_ROUTES for route in module}
    assert served == {(route.method, route.path) for route in ROUTES}


def test_no_two_routes_bear_one_name() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    made = document()
    for reference in set(_references(made)):
        place: Any = made
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_parameter_of_a_path_is_described() -> None:
    for route in ROUTES:
        named = [p.name for p in route.parameters if p.where == "path"]
        assert re.findall(r"{(\w+)}", route.path) == named, route.path


def test_the_page_in_the_docs_is_up_to_date() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert page == markdown(document(), ROUTES), "run: python -m okube.manager.api.openapi --write"


def test_a_body_that_goes_both_ways_takes_more_than_an_answer_shows() -> None:
    shapes = document()["components"]["schemas"]
    assert shapes["Resources"]["properties"]["memory"]["type"] == "integer"
    assert {"type", "pattern"} <= set(shapes["ResourcesInput"]["properties"]["memory"]["anyOf"][1])
    assert shapes["ServiceSpec"]["additionalProperties"] is False
    assert shapes["ServiceSpec"]["properties"]["revision"] == {"readOnly": True}


def test_a_view_that_would_be_called_like_a_body_is_an_error() -> None:
    class ThingView(msgspec.Struct):
        more: int

    class Thing(msgspec.Struct):
        less: int

    with pytest.raises(ValueError, match="ThingView would be called like a body"):
        Schemas([ThingView], [Thing])


def test_a_head_request_is_that_of_get() -> None:
    assert route_of("HEAD", "/v1/services") is route_of("GET", "/v1/services")
    assert route_of("TRACE", "/v1/services") is None


async def test_the_document_is_served(api: Api) -> None:
    answer = await api("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.body == msgspec.json.decode(msgspec.json.encode(document()))
