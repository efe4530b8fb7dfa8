"""Whether machines reach each other: with real sockets on this one."""

import socket
from typing import Any

import msgspec

from okube.config import ManagerConfig, WorkerConfig
from okube.install.facts import Facts, Port, Question
from okube.install.inventory import Machine, machines_of
from okube.install.local import LocalRemote
from okube.install.onsite import ask
from okube.install.reaching import Asked, Target, Unreached, findings_of, targets_of, try_all
from tests.unit.install.rack import a_cluster, healthy

HERE = LocalRemote(before=())


def free_ports(number: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def two_machines(ports: list[int]) -> tuple[Machine, Machine]:
    """Both at 127.0.0.1, which no cluster.yaml can say, and which is enough for sockets."""
    config = a_cluster()
    managers = (ManagerConfig(name="m1", host="127.0.0.1", port=ports[0], raft_port=ports[1]),)
    workers = (WorkerConfig(name="w1", host="127.0.0.1", port=ports[2]),)
    first, second, _ = machines_of(config)
    return (
        msgspec.structs.replace(first, host="a", managers=managers, workers=()),
        msgspec.structs.replace(second, host="b", managers=(), workers=workers),
    )


def test_managers_reach_managers_and_workers_and_workers_reach_the_apis() -> None:
    machines = machines_of(a_cluster())
    only_worker = msgspec.structs.replace(machines[2], managers=())
    all_machines = (*machines[:2], only_worker)
    ports = {(target.process, target.port) for target in targets_of(machines[0], all_machines)}
    assert ports == {("m1", 7101), ("m1", 8101), ("m2", 7101), ("m2", 8101), ("w1", 7201), ("w2", 7201), ("w3", 7201)}
    assert {(t.process, t.port) for t in targets_of(only_worker, all_machines)} == {("m1", 7101), ("m2", 7101)}


async def tried(taken: tuple[int, ...] = (), *, ports: list[int]) -> list[Unreached]:
    config = a_cluster()
    machines = two_machines(ports)
    numbers = {"a": ports[:2], "b": ports[2:]}
    facts = {
        machine.host: msgspec.structs.replace(
            healthy(machine, config),
            ports=tuple(
                Port("127.0.0.1", number, "Address already in use" if number in taken else "", number in taken)
                for number in numbers[machine.host]
            ),
        )
        for machine in machines
    }
    found, lost = await try_all({"a": HERE, "b": HERE}, machines, facts)
    assert lost == {}
    return found


async def test_machines_that_reach_each_other_are_no_finding_and_nothing_listens_afterwards() -> None:
    ports = free_ports(3)
    assert await tried(ports=ports) == []
    for number in ports:
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", number))


async def test_what_a_test_that_was_cut_off_left_listening_is_in_nobodys_way() -> None:
    ports = free_ports(3)
    places = tuple(("127.0.0.1", number) for number in ports)
    listening = Asked("listen", places=places, word="a word", seconds=60.0)
    await ask(HERE, "reach", listening, dict[str, Any])
    facts = await ask(HERE, "probe", Question(ports=places), Facts)
    assert not any(port.taken for port in facts.ports)
    assert await tried(ports=ports) == []


async def test_what_listens_already_is_called_as_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = int(listener.getsockname()[1])
        assert await tried((taken,), ports=[*free_ports(2), taken]) == []


async def test_a_port_that_nobody_reaches_is_told() -> None:
    gone = free_ports(1)[0]
    found = await tried((gone,), ports=[*free_ports(2), gone])
    assert [(each.source, each.target.process, each.problem) for each in found] == [("a", "w1", "Connection refused")]


def test_a_machine_that_reaches_many_not_is_one_finding() -> None:
    targets = [Target("b", f"w{n}", "192.0.2.12", 7201 + n) for n in range(7)]
    (found,) = findings_of([Unreached("a", target, "no answer within 3 s") for target in targets])
    assert found.machine == "a"
    assert found.what.startswith("does not reach w0 at 192.0.2.12:7201 (no answer within 3 s), w1 ")
    assert found.what.endswith(" and 2 more")
