"""``depends_on`` of service files: what is read, and what is wrong with it."""

from typing import Any

import pytest

from okube.model import commands as c
from okube.model.dependency import Dependency
from okube.model.errors import InvalidInput
from okube.model.quantities import format_bandwidth, format_round_trip, parse_bandwidth
from okube.model.shown import spec_view
from okube.model.spec import ServiceSpec, decode_spec
from okube.model.versions import version_of


def spec(**fields: Any) -> ServiceSpec:
    return decode_spec({"name": "web", "image": "example/web:1", **fields})


def errors(**fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        spec(**fields)
    return [(error.path, error.message) for error in caught.value.errors]


def test_names_and_limits_are_read_and_shown_as_they_can_be_read_again() -> None:
    read = spec(
        depends_on=["cache", {"service": "db", "max_latency": "2ms", "min_bandwidth": "100M", "traffic": "1.5G"}]
    )

    assert read.dependencies == (Dependency("cache"), Dependency("db", 0.002, 100_000_000, 1_500_000_000))
    assert decode_spec(spec_view(read)) == read


def test_a_service_without_dependencies_needs_nobody_to_know_of_them() -> None:
    assert version_of(c.PutServices((spec(depends_on=[]),), ("i",), "upsert")) == 1
    assert version_of(c.PutServices((spec(depends_on=["db"]),), ("i",), "upsert")) == 5


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ("db", "depends_on", "a list is expected"),
        (["No Name"], "depends_on[0]", "No Name"),
        (["web"], "depends_on[0].service", "cannot depend on itself"),
        (["db", {"service": "db"}], "depends_on[1].service", "named twice"),
        ([{"service": "db", "max_latency": "-1ms"}], "depends_on[0].max_latency", "is not a time"),
        ([{"service": "db", "max_latency": -0.001}], "depends_on[0].max_latency", "out of range"),
        ([{"service": "db", "max_latency": float("nan")}], "depends_on[0].max_latency", "out of range"),
        ([{"service": "db", "max_latency": 0}], "depends_on[0].max_latency", "no round trip"),
        ([{"service": "db", "min_bandwidth": -1}], "depends_on[0].min_bandwidth", "out of range"),
        ([{"service": "db", "min_bandwidth": float("nan")}], "depends_on[0].min_bandwidth", "out of range"),
        ([{"service": "db", "min_bandwidth": "1e30"}], "depends_on[0].min_bandwidth", "is not a bandwidth"),
        ([{"service": "db", "min_bandwidth": "1001T"}], "depends_on[0].min_bandwidth", "0 to 1000T"),
        ([{"service": "db", "min_bandwidth": True}], "depends_on[0].min_bandwidth", "is not a bandwidth"),
        ([{"service": "db", "condition": "healthy"}], "depends_on[0].condition", "one of placed, started, ready"),
        ([{"service": "db", "traffic": float("inf")}], "depends_on[0].traffic", "out of range"),
        ([{"service": "db", "latency": 1}], "depends_on[0].latency", "did you mean 'max_latency'?"),
        ([f"s{number}" for number in range(65)], "depends_on", "more than 64"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(given: Any, path: str, said: str) -> None:
    ((where, message), *_) = errors(depends_on=given)
    assert where == path
    assert said in message


def test_in_an_app_a_short_name_and_the_whole_one_are_one_service() -> None:
    ((path, said),) = errors(name="shop-web", app="shop", depends_on=["db", "shop-db"])
    assert (path, said) == (
        "depends_on[1].service",
        "db and shop-db are the same service in app shop: join the two entries",
    )
    assert errors(name="shop-web", app="shop", depends_on=["web"]) == [
        ("depends_on[0].service", "shop-web cannot depend on itself")
    ]
    assert len(spec(app="shop", depends_on=["db", "till-db"]).dependencies) == 2


@pytest.mark.parametrize(
    ("text", "bits"), [("100M", 10**8), ("1.5 Gbit/s", 1_500_000_000), ("64k", 64_000), (9, 9), (0.4, 1), (0, 0)]
)
def test_bandwidth_counts_in_decimal(text: object, bits: int) -> None:
    assert parse_bandwidth(text) == bits


def test_bandwidth_and_round_trips_are_written_as_people_do() -> None:
    assert [format_bandwidth(bits) for bits in (10**8, 1_500_000_000, 999)] == ["100 Mbit/s", "1.5 Gbit/s", "999 bit/s"]
    assert [format_round_trip(seconds) for seconds in (0.00025, 0.002, 1.5)] == ["0.25 ms", "2 ms", "1.5 s"]
