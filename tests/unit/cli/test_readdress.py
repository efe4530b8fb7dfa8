import json
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from okube.cli.readdress import moved, moves_of
from tests.unit.cli.cluster import Cluster
from tests.unit.cli.test_managers import a_manager

Okube = Callable[..., Result]


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("192.0.2.71", "192.0.2.71:7201"),
        ("192.0.2.71:7301", "192.0.2.71:7301"),
        ("w1.example.com", "w1.example.com:7201"),
        ("2001:db8::71", "[2001:db8::71]:7201"),
        ("[2001:db8::71]", "[2001:db8::71]:7201"),
        ("[2001:db8::71]:7301", "[2001:db8::71]:7301"),
    ],
)
def test_a_port_that_is_not_given_stays(place: str, address: str) -> None:
    assert moved("192.0.2.1:7201", place) == address


def test_each_is_named_once_with_its_place() -> None:
    assert moves_of(["w1=a", "w2=b:1"]) == {"w1": "a", "w2": "b:1"}
    for words in (["w1"], ["=a"], ["w1="], ["w1=a", "w1=b"]):
        with pytest.raises(click.UsageError):
            moves_of(words)


def test_managers_are_told_where_each_is_with_both_addresses(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [a_manager("m1", "leader", raft_address="192.0.2.11:8101")]
    result = okube("managers", "readdress", "m1=192.0.2.61", "--no-wait", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["name"]) == (0, "m1"), result.stderr
    body = {"address": "192.0.2.61:7101", "raft_address": "192.0.2.61:8101"}
    assert cluster.written == [("PATCH", "/v1/managers/m1", body)]


def test_a_manager_that_is_not_there_is_named(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [a_manager("m1", "leader")]
    result = okube("managers", "readdress", "m9=192.0.2.61")
    assert (result.exit_code, "there is no manager m9" in result.stderr) == (1, True)
