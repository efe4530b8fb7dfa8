"""The JSON of the API: its names and their order, as scripts rely on them."""

import msgspec

from okube.model.node import Node
from okube.model.service import Service
from okube.model.shown import node_view, service_answer, service_view, task_view
from okube.model.spec import ServiceSpec, decode_spec
from okube.model.task import Task
from okube.model.workload_views import ServiceView

SPEC = decode_spec(
    {
        "name": "web",
        "image": "example/web:1",
        "ports": ["80"],
        "resources": {"memory": "64M"},
        "secrets": ["key"],
        "configs": ["page"],
        "prefer": ["node.zone == a"],
        "affinity": ["db"],
        "anti_affinity": ["batch"],
        "max_per_node": 2,
        "depends_on": [{"service": "cache", "max_latency": "2ms"}],
        "priority": 10,
    }
)
WEB = Service(id="s1", spec=SPEC, created_ms=1000, updated_ms=2000, revision=7)
VIEW = service_view(WEB, running=0, done=0, total=1)


def _keys(view: msgspec.Struct) -> list[str]:
    decoded: dict[str, object] = msgspec.json.decode(msgspec.json.encode(view))
    return list(decoded)


def test_a_service_shows_every_field_of_its_spec_and_then_how_far_it_is() -> None:
    shown = _keys(VIEW)
    assert shown[:2] == ["kind", "id"]
    assert shown[2:-7] == list(ServiceSpec.__struct_fields__)
    assert shown[-7:] == ["running", "version", "stopped", "created_by", "created_at", "updated_at", "revision"]


def test_what_a_service_shows_can_be_put_again() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(VIEW))
    assert decode_spec(shown) == SPEC


def test_a_write_s_answer_is_the_service_and_what_was_done() -> None:
    answer = service_answer(WEB, "created", running=0, done=0, total=1)
    assert _keys(answer) == [*_keys(VIEW), "action"]
    assert msgspec.json.decode(msgspec.json.encode(answer), type=ServiceView) == VIEW


def test_a_task_has_the_fields_of_the_contract() -> None:
    task = Task(id="t1", service_id="s1", service="web", slot=1, version=1, created_ms=0)
    names = (
        "id name service app state ready desired reason message node image cpus memory disk ports restart_policy "
        "container_id exit_code restarts created_at started_at ended_at revision"
    )
    shown = _keys(task_view(task, SPEC))
    assert [name for name in shown if name not in ("slot", "version")][:23] == names.split()


def test_a_node_has_the_fields_of_the_contract() -> None:
    view = node_view(
        Node(name="w1", id="i1", address="192.0.2.1:7201"),
        cores_allocated=0.0,
        memory_allocated=0,
        disk_allocated=0,
        named_allocated={},
        task_count=0,
        last_seen_ms=None,
    )
    names = (
        "name id address role state availability labels zone cores cores_allocated memory memory_allocated disk "
        "disk_allocated task_count last_seen runtime revision"
    )
    assert [name for name in _keys(view) if name in names.split()] == names.split()


def test_a_task_tells_what_it_is_given_in_which_versions_and_nothing_where_that_is_nothing() -> None:
    task = Task(id="t1", service_id="s1", service="web", slot=1, version=1, mounted=(2, 5))
    assert msgspec.to_builtins(task_view(task, SPEC))["given"] == (
        {"kind": "secret", "name": "key", "version": 2},
        {"kind": "config", "name": "page", "version": 5},
    )
    assert "given" not in msgspec.to_builtins(task_view(msgspec.structs.replace(task, mounted=msgspec.UNSET), SPEC))
