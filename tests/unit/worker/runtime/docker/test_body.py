from typing import Any

import pytest

from okube.model.resources import Limits, Resources
from okube.model.spec import Port, Stop, Volume
from okube.model.wire import AssignedTask
from okube.worker.runtime.docker.body import container_body, read_container, read_time_ms
from okube.worker.runtime.lines import LogBounds
from tests.unit.worker.runtime.builders import a_task

CLUSTER = "0123456789abcdef"


def body_of(task: AssignedTask, *, processors: float = 8) -> dict[str, Any]:
    return container_body(task, cluster_id=CLUSTER, node="w1", processors=processors, logs=LogBounds(1000, 2))


def test_no_limits_asked_for_are_none_set() -> None:
    host = body_of(a_task())["HostConfig"]
    assert {"NanoCpus", "Memory", "MemorySwap"}.isdisjoint(host)


def test_memory_has_no_swap_on_top() -> None:
    host = body_of(a_task(resources=Resources(memory=64 << 20)))["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 64 << 20


def test_a_limit_above_what_is_promised_is_what_the_engine_gets() -> None:
    asked = Resources(cpus=0.5, memory=64 << 20, limits=Limits(cpus=2.0, memory=128 << 20))
    host = body_of(a_task(resources=asked))["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (2_000_000_000, 128 << 20, 128 << 20)
    endless = Resources(cpus=0.5, memory=64 << 20, limits=Limits(cpus=0, memory=0))
    assert {"NanoCpus", "Memory", "MemorySwap"}.isdisjoint(body_of(a_task(resources=endless))["HostConfig"])


@pytest.mark.parametrize(("asked", "set_"), [(0.5, 500_000_000), (8, 8_000_000_000), (9, 8_000_000_000)])
def test_cores_are_cut_to_what_the_machine_has(asked: float, set_: int) -> None:
    assert body_of(a_task(resources=Resources(cpus=asked)))["HostConfig"]["NanoCpus"] == set_


def test_the_image_decides_the_command_where_the_service_gives_none() -> None:
    assert "Cmd" not in body_of(a_task())
    assert body_of(a_task(command=("nginx", "-t")))["Cmd"] == ["nginx", "-t"]


def test_host_ports_go_to_the_specs_ports_in_order() -> None:
    ports = (Port(80), Port(53, protocol="udp"), Port(80))
    made = body_of(a_task(ports=ports, host_ports=(8080, 5353, 8081)))
    assert made["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostPort": "8080"}, {"HostPort": "8081"}],
        "53/udp": [{"HostPort": "5353"}],
    }
    assert made["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}


def test_a_port_without_an_assignment_is_the_specs_or_any() -> None:
    bindings = body_of(a_task(ports=(Port(80, 8080), Port(81))))["HostConfig"]["PortBindings"]
    assert bindings == {"80/tcp": [{"HostPort": "8080"}], "81/tcp": [{"HostPort": ""}]}


def test_a_named_volume_is_the_clusters_and_a_path_is_bound() -> None:
    volumes = (Volume("data", "/var/lib/data"), Volume("/srv/www", "/www", True))
    assert body_of(a_task(volumes=volumes))["HostConfig"]["Mounts"] == [
        {
            "Target": "/var/lib/data",
            "ReadOnly": False,
            "Type": "volume",
            "Source": "okube-01234567-data",
            "VolumeOptions": {"Labels": {"okube.cluster": CLUSTER}},
        },
        {"Target": "/www", "ReadOnly": True, "Type": "bind", "Source": "/srv/www"},
    ]


def test_the_engine_neither_restarts_nor_keeps_output_for_ever() -> None:
    host = body_of(a_task())["HostConfig"]
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1000", "max-file": "2"}}


def test_a_task_cannot_be_told_the_id_of_another() -> None:
    assert body_of(a_task(env={"A": "1", "OKUBE_TASK": "other"}))["Env"] == ["A=1", "OKUBE_TASK=t1"]


def test_the_stop_signal_is_the_services() -> None:
    made = body_of(a_task(stop=Stop("SIGQUIT", 2.5)))
    assert (made["StopSignal"], made["StopTimeout"]) == ("SIGQUIT", 3)


def answer(**state: Any) -> dict[str, Any]:
    told = {
        "Status": "exited",
        "ExitCode": 137,
        "OOMKilled": False,
        "Error": "",
        "StartedAt": "2026-11-23T18:18:35.579741228Z",
        "FinishedAt": "2026-11-23T18:18:36.581563656Z",
        **state,
    }
    config = {"Labels": {"okube.task": "t1"}, "StopSignal": "SIGQUIT"}
    return {"Id": "abc", "Config": config, "State": told}


def test_an_ended_container_has_its_code_and_times() -> None:
    container = read_container(answer(OOMKilled=True))
    assert (container.id, container.task_id, container.state, container.stop_signal) == (
        "abc",
        "t1",
        "exited",
        "SIGQUIT",
    )
    assert (container.exit_code, container.oom_killed) == (137, True)
    assert (container.started_ms, container.ended_ms) == (1795457915579, 1795457916581)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", "created"),
        ("running", "running"),
        ("paused", "running"),
        ("restarting", "running"),
        ("exited", "exited"),
        ("dead", "exited"),
        ("removing", "exited"),
    ],
)
def test_each_status_of_the_engine_is_one_of_three(status: str, state: str) -> None:
    assert read_container(answer(Status=status)).state == state


def test_what_runs_again_has_not_ended() -> None:
    container = read_container(answer(Status="running", OOMKilled=True))
    assert (container.exit_code, container.oom_killed, container.ended_ms) == (None, False, None)


def test_a_run_too_short_for_the_engine_starts_before_it_ends() -> None:
    container = read_container(answer(StartedAt="2026-11-23T18:18:36.6Z"))
    assert container.started_ms == container.ended_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0001-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:00.123456789Z", 123),
        ("1970-01-01T01:00:00.5+01:00", 500),
    ],
)
def test_times_of_the_engine_are_milliseconds_or_none(text: str, ms: int | None) -> None:
    assert read_time_ms(text) == ms
