import json
from collections.abc import Callable

import pytest
from click.testing import Result

from tests.unit.cli.cluster import Cluster
from tests.unit.cli.typist import Typist
from tests.unit.client.playing import Manager

Okube = Callable[..., Result]
GIB = 1 << 30


@pytest.fixture
def busy(cluster: Cluster) -> Cluster:
    node = {"cores": 4.0, "memory": 2 * GIB, "memory_total": 8 * GIB, "disk": 5 * GIB, "disk_total": 50 * GIB}
    cluster.usage = {
        "nodes": [{"name": "w1", "cpus": 0.5, **node}, {"name": "w2", "cpus": 2.0, **node}],
        "tasks": [
            {"id": "a", "name": "web.1", "service": "web", "node": "w1", "cpus": 0.25, "memory": GIB},
            {"id": "b", "name": "db.1", "service": "db", "node": "w2", "cpus": 1.5, "memory": GIB // 2},
        ],
        "silent": ["w3"],
    }
    cluster.usage["tasks"][0]["memory_limit"] = 2 * GIB
    return cluster


def test_nodes_and_tasks_the_busiest_first(okube: Okube, busy: Cluster) -> None:
    result = okube("top")
    assert result.stdout.splitlines() == [
        "NODE      CORES   CPU          MEMORY   MEM             DISK  FULL",
        "w2    2.00 of 4  50 %  2.0 of 8.0 GiB  25 %  5.0 of 50.0 GiB  10 %",
        "w1    0.50 of 4  12 %  2.0 of 8.0 GiB  25 %  5.0 of 50.0 GiB  10 %",
        "",
        "TASK   NODE  CORES     MEMORY    LIMIT   MEM",
        "db.1   w2     1.50  512.0 MiB",
        "web.1  w1     0.25    1.0 GiB  2.0 GiB  50 %",
    ]
    assert result.stderr == "w3 did not answer\n"


def test_scripts_get_the_whole_or_a_list(okube: Okube, busy: Cluster) -> None:
    assert set(json.loads(okube("top", "-o", "json").stdout)) == {"nodes", "tasks", "silent"}
    tasks = json.loads(okube("top", "tasks", "--sort", "memory", "-o", "json").stdout)
    assert [t["name"] for t in tasks] == ["web.1", "db.1"]


def test_filters_reach_the_managers(okube: Okube, busy: Cluster, manager: Manager) -> None:
    okube("top", "tasks", "--service", "web", "--node", "w1")
    assert manager.received[-1].query == {"service": "web", "node": "w1"}


def test_what_has_no_top_is_refused(okube: Okube) -> None:
    assert "write nodes or tasks; did you mean nodes?" in okube("top", "node").stderr


def test_it_goes_on_in_place(okube: Okube, busy: Cluster) -> None:
    typist = Typist("top", "--watch", "tasks")
    try:
        typist.sees("db.1   w2     1.50")
        busy.usage["tasks"][1]["cpus"] = 0.0
        typist.sees(lambda lines: lines[1].startswith("web.1"))
        typist.type("\x03")
        assert typist.ends() == 130
    finally:
        typist.close()
