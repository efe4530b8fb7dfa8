"""The entry of cluster.yaml that a change is about."""

from typing import Any, cast

import pytest

from okube.client.api import OkubeClient
from okube.config import load_documents
from okube.install.nodes_entries import as_known, with_fields
from okube.model.errors import Conflict, NotFound

TEXT = """\
cluster: hall
managers:
  - {name: m1, host: 192.0.2.11, port: 7101}
workers:
  - {name: w1, host: 192.0.2.21, port: 7201, zone: rack-a}
"""


class Knows:
    """What a cluster answers."""

    def managers(self) -> list[dict[str, Any]]:
        return [{"name": "m2", "address": "192.0.2.12:7105"}]

    def nodes(self) -> list[dict[str, Any]]:
        return [{"name": "w2", "address": "[2001:db8::22]:7201"}]


def entries(text: str) -> dict[str, Any]:
    data = load_documents(text)[0].data
    return {entry["name"]: entry for entry in (*data["managers"], *data["workers"])}


def test_one_that_is_there_stays_as_it_is() -> None:
    assert with_fields(TEXT, "w1", None, {}) == TEXT
    assert with_fields(TEXT, "w1", "worker", {"host": "192.0.2.21", "zone": "rack-a"}) == TEXT


def test_one_that_is_not_there_gets_the_usual_port() -> None:
    made = entries(with_fields(TEXT, "w2", None, {"host": "192.0.2.22", "labels": {"disk": "ssd"}}))
    assert made["w2"] == {"name": "w2", "host": "192.0.2.22", "port": 7201, "labels": {"disk": "ssd"}}
    made = entries(with_fields(TEXT, "m2", "manager", {"host": "192.0.2.12"}))
    assert made["m2"] == {"name": "m2", "host": "192.0.2.12", "port": 7101}
    assert entries(with_fields(TEXT, "w2", None, {"host": "192.0.2.22", "port": 7300}))["w2"]["port"] == 7300


def test_without_a_host_it_has_to_be_in_the_file() -> None:
    with pytest.raises(NotFound, match="names no w2: write it there"):
        with_fields(TEXT, "w2", None, {"zone": "rack-b"})


def test_what_is_given_must_not_contradict_the_file() -> None:
    with pytest.raises(Conflict, match=r"says host '192.0.2.21' of w1, and here it is '192.0.2.99'"):
        with_fields(TEXT, "w1", None, {"host": "192.0.2.99"})
    with pytest.raises(Conflict, match="names w1 among the workers, and --role says manager"):
        with_fields(TEXT, "w1", "manager", {})


def test_what_somebody_has_taken_out_already_is_where_the_cluster_knows_it() -> None:
    client = cast("OkubeClient", Knows())
    assert as_known(TEXT, "w1", client) == TEXT
    assert entries(as_known(TEXT, "w2", client))["w2"] == {"name": "w2", "host": "2001:db8::22", "port": 7201}
    assert entries(as_known(TEXT, "m2", client))["m2"] == {"name": "m2", "host": "192.0.2.12", "port": 7105}
    assert as_known(TEXT, "w9", client) == TEXT
