import socket

import pytest

from okube.model.spec import Port
from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.process.hostports import HostPorts, PortKey, free_port, variables


def test_a_port_belongs_to_one_task_until_it_is_released() -> None:
    ports, key = HostPorts("w1"), _free()
    ports.reserve("t1", (key,))
    ports.reserve("t1", (key,))
    with pytest.raises(RuntimeFailure, match=f"host port {key[0]} is taken on node w1") as failure:
        ports.reserve("t2", (key,))
    assert failure.value.reason == "port-conflict"
    ports.release("t1")
    ports.reserve("t2", (key,))


def test_all_ports_are_reserved_or_none() -> None:
    ports, taken, free = HostPorts("w1"), _free(), _free()
    ports.reserve("t1", (taken,))
    with pytest.raises(RuntimeFailure):
        ports.reserve("t2", (free, taken))
    ports.reserve("t3", (free,))


def test_a_port_on_which_some_program_listens_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(RuntimeFailure):
        HostPorts("w1").reserve("t1", ((server.getsockname()[1], "tcp"),))


def test_a_udp_port_of_some_program_is_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        with pytest.raises(RuntimeFailure):
            HostPorts("w1").reserve("t1", ((server.getsockname()[1], "udp"),))


def test_tcp_and_udp_are_different_ports() -> None:
    ports, (number, _) = HostPorts("w1"), _free()
    ports.reserve("t1", ((number, "tcp"),))
    ports.reserve("t2", ((number, "udp"),))


def test_what_runs_already_is_adopted_though_it_is_bound() -> None:
    ports = HostPorts("w1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        key: PortKey = (server.getsockname()[1], "tcp")
        ports.adopt("t1", (key,))
    with pytest.raises(RuntimeFailure):
        ports.reserve("t2", (key,))


def test_a_task_is_told_the_first_host_port_of_each_container_port() -> None:
    told = variables((Port(80), Port(443), Port(80)), (8080, 8443, 8081))
    assert told == {"PORT_80": "8080", "PORT_443": "8443"}


def _free() -> PortKey:
    return free_port("tcp"), "tcp"
