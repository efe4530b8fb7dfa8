"""Placement rules in service files: what is read, and what is wrong with them."""

from typing import Any

import pytest

from okube.model import commands as c
from okube.model.errors import InvalidInput
from okube.model.placing import Company, Preference
from okube.model.shown import spec_view
from okube.model.spec import ServiceSpec, decode_spec
from okube.model.versions import version_of


def spec(**fields: Any) -> ServiceSpec:
    return decode_spec({"name": "web", "image": "example/web:1", **fields})


def errors(**fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        spec(**fields)
    return [(error.path, error.message) for error in caught.value.errors]


def test_short_forms_are_read_as_what_they_stand_for() -> None:
    read = spec(prefer=["node.zone == a"], affinity=["cache"], anti_affinity=[{"service": "web", "within": "zone"}])
    assert read.preferences == (Preference("node.zone == a", 50),)
    assert read.near == (Company("cache"),)
    assert read.apart == (Company("web", "zone"),)
    assert decode_spec(spec_view(read)) == read


def test_a_service_without_rules_needs_nobody_to_know_of_them() -> None:
    assert version_of(c.PutServices((spec(prefer=[], affinity=[]),), ("i",), "upsert")) == 1
    assert version_of(c.PutServices((spec(max_per_node=1),), ("i",), "upsert")) == 5


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"prefer": ["node.color == red"]}, "prefer[0]", "does not begin with an attribute"),
        ({"prefer": [{"constraint": "node.zone == a", "weight": 101}]}, "prefer[0].weight", "1 (barely) to 100"),
        ({"prefer": [{"constraint": "node.zone == a", "weight": -5}]}, "prefer[0].weight", "out of range"),
        ({"affinity": ["No Name"]}, "affinity[0]", "No Name"),
        ({"affinity": [{"service": "db", "within": "rack"}]}, "affinity[0].within", "one of node, zone"),
        ({"affinity": ["db", "db"]}, "affinity[1]", "given twice"),
        ({"affinity": ["db"], "anti_affinity": ["db"]}, "anti_affinity[0]", "near db and apart from it"),
        ({"affinity": ["db"], "anti_affinity": [{"service": "db", "within": "zone"}]}, "anti_affinity[0]", "near db"),
        ({"max_per_node": 0}, "max_per_node", "1 to 100000"),
        ({"max_per_node": 1.5}, "max_per_node", "a whole number"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(fields: dict[str, Any], path: str, said: str) -> None:
    ((where, message),) = errors(**fields)
    assert where == path
    assert said in message


def test_near_a_zone_and_apart_from_a_node_of_it_goes_together() -> None:
    assert spec(affinity=[{"service": "db", "within": "zone"}], anti_affinity=["db"]).apart == (Company("db"),)
