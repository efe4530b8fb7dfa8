import json
from collections.abc import Callable

from click.testing import Result

from tests.unit.cli.cluster import Cluster

Okube = Callable[..., Result]


def a_link(kind: str, origin: str, target: str = "", **fields: object) -> dict[str, object]:
    known: dict[str, object] = {
        "capacity": 10**9,
        "reserved": 0,
        "free": 10**9,
        "sent": None,
        "received": None,
        "flows": [],
    }
    return {"kind": kind, "from": origin, "to": target, "one_way": False, **known, **fields}


def test_links_are_shown_with_what_is_reserved_and_what_is_left(okube: Okube, cluster: Cluster) -> None:
    flows = [{"from": "web", "to": "db", "reserved": 200_000_000}]
    cluster.links = [
        a_link("node", "w1", reserved=200_000_000, free=800_000_000, sent=2_400_000, flows=flows),
        a_link("node", "w2", capacity=None, free=None),
        a_link("zone", "a", "b", capacity=100_000_000, reserved=200_000_000, free=-100_000_000, flows=flows),
        a_link("zone", "a", "a"),
        a_link("rack", "1", "2", one_way=True),
    ]

    lines = okube("net", "links", "-o", "wide").stdout.splitlines()

    assert [" | ".join(part.strip() for part in line.split("  ") if part.strip()) for line in lines] == [
        "LINK | CAPACITY | RESERVED | FREE | OUT | FOR",
        "node w1 | 1 Gbit/s | 200 Mbit/s | 800 Mbit/s | 2.4 Mbit/s | web to db 200 Mbit/s",
        "node w2 | 0 bit/s",
        "zones a and b | 100 Mbit/s | 200 Mbit/s | over by 100 Mbit/s | web to db 200 Mbit/s",
        "inside zone a | 1 Gbit/s | 0 bit/s | 1 Gbit/s",
        "rack 1 to 2 | 1 Gbit/s | 0 bit/s | 1 Gbit/s",
    ]


def test_links_as_json_are_what_the_api_answers(okube: Okube, cluster: Cluster) -> None:
    cluster.links = [a_link("node", "w1")]

    assert json.loads(okube("net", "links", "-o", "json").stdout) == cluster.links


def test_a_cluster_without_nodes_has_no_links(okube: Okube) -> None:
    assert okube("net", "links").stderr == "no links\n"
