"""Small crowded clusters, in which every rule has its say."""

from hypothesis import strategies as st

from okube.scheduler import PortRequest, TaskGroup
from tests.unit.scheduler.builders import Node

PORT_RANGE = (30000, 30003)
NAMES = tuple(f"w{number}" for number in range(7))

_ports = st.sampled_from([80, 30000, 30001, 30002])
_protocols = st.sampled_from(["tcp", "tcp", "udp"])
_tenths = st.integers(0, 30).map(lambda tenths: tenths / 10)
_constraints = st.sampled_from(
    [
        "node.labels.disk == ssd",
        "node.labels.disk != ssd",
        "node.zone == rack-a",
        "node.zone != rack-a",
        "node.name != w3",
    ]
)


@st.composite
def some_node(draw: st.DrawFn, name: str) -> Node:
    return Node(
        name,
        cores=draw(_tenths),
        cores_used=draw(st.integers(0, 10)) / 10,
        memory=draw(st.integers(0, 12)),
        memory_used=draw(st.integers(0, 4)),
        disk=draw(st.sampled_from([0, 10, 20])),
        disk_used=draw(st.integers(0, 3)),
        ready=draw(st.integers(0, 5)) > 0,
        availability=draw(st.sampled_from(["active"] * 5 + ["cordoned", "drained"])),
        zone=draw(st.sampled_from(["", "rack-a", "rack-b"])),
        labels=draw(st.sampled_from([{}, {"disk": "ssd"}, {"disk": "hdd"}])),
        ports=draw(st.frozensets(st.tuples(_ports, _protocols), max_size=4)),
        tasks=draw(st.integers(0, 3)),
    )


@st.composite
def clusters(draw: st.DrawFn) -> list[Node]:
    return [draw(some_node(name)) for name in NAMES[: draw(st.integers(0, len(NAMES)))]]


@st.composite
def a_port_request(draw: st.DrawFn) -> PortRequest:
    return PortRequest(draw(st.one_of(st.just(0), _ports)), draw(st.integers(1, 9)), draw(_protocols))


@st.composite
def some_group(draw: st.DrawFn, number: int) -> TaskGroup:
    tasks = tuple(f"group{number}.{slot}" for slot in range(draw(st.integers(0, 14))))
    names = st.sampled_from((*NAMES, "gone"))
    some_tasks = st.sampled_from((*tasks, "ended"))
    return TaskGroup(
        service=draw(st.sampled_from(["web", "db"])),
        tasks=tasks,
        cpus=draw(st.sampled_from([0, 0, 0.1, 0.3, 1])),
        memory=draw(st.sampled_from([0, 0, 1, 3])),
        disk=draw(st.sampled_from([0, 0, 0, 2])),
        ports=tuple(draw(st.lists(a_port_request(), max_size=3)) if draw(st.booleans()) else ()),
        constraints=tuple(draw(st.lists(_constraints, max_size=2)) if draw(st.booleans()) else ()),
        placed=draw(st.dictionaries(names, st.integers(0, 3), max_size=4)),
        avoid=draw(st.dictionaries(some_tasks, st.frozensets(names, max_size=4), max_size=4)),
        pinned=draw(st.dictionaries(some_tasks, names, max_size=3)),
    )


@st.composite
def group_lists(draw: st.DrawFn) -> list[TaskGroup]:
    return [draw(some_group(number)) for number in range(draw(st.integers(0, 4)))]
