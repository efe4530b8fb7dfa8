import pytest

from okube.scheduler.ports import UNLIMITED, HostPorts
from tests.unit.scheduler.builders import a_port

RANGE = (30000, 30003)


def test_who_asks_for_no_port_finds_room_everywhere() -> None:
    assert HostPorts([frozenset()], RANGE).room([]).tolist() == [UNLIMITED]


def test_a_fixed_port_has_room_for_one_task_where_it_is_free() -> None:
    ports = HostPorts([frozenset({(8080, "tcp")}), frozenset()], RANGE)

    assert ports.room([a_port(8080)]).tolist() == [0, 1]


def test_tcp_and_udp_do_not_meet() -> None:
    ports = HostPorts([frozenset({(53, "udp")})], RANGE)

    assert ports.room([a_port(53, protocol="tcp")]).tolist() == [1]


def test_a_task_that_asks_for_one_port_twice_fits_nowhere() -> None:
    assert HostPorts([frozenset()], RANGE).room([a_port(80), a_port(80, container=81)]).tolist() == [0]


def test_free_ports_limit_the_number_of_tasks() -> None:
    ports = HostPorts([frozenset(), frozenset({(30001, "tcp"), (30002, "udp"), (80, "tcp")})], RANGE)

    assert ports.room([a_port()]).tolist() == [4, 3]
    assert ports.room([a_port(), a_port(container=81)]).tolist() == [2, 1]


def test_a_fixed_port_within_the_range_leaves_one_less_for_the_others() -> None:
    ports = HostPorts([frozenset({(30001, "tcp"), (30002, "tcp")})], RANGE)

    assert ports.room([a_port(30000), a_port()]).tolist() == [1]
    assert ports.room([a_port(30000), a_port(), a_port(container=81)]).tolist() == [0]


def test_port_zero_gets_the_lowest_free_port() -> None:
    ports = HostPorts([frozenset({(30000, "tcp"), (30002, "tcp")})], RANGE)

    assert ports.take(0, [a_port()]) == (30001,)
    assert ports.take(0, [a_port()]) == (30003,)
    assert ports.room([a_port()]).tolist() == [0]


def test_each_protocol_has_its_own_lowest_port() -> None:
    ports = HostPorts([frozenset()], RANGE)

    assert ports.take(0, [a_port(), a_port(protocol="udp")]) == (30000, 30000)


def test_ports_are_told_in_the_order_asked_and_fixed_ones_go_first() -> None:
    ports = HostPorts([frozenset()], RANGE)

    assert ports.take(0, [a_port(), a_port(30000), a_port(8080)]) == (30001, 30000, 8080)


def test_taking_on_one_node_leaves_the_others_and_the_caller_alone() -> None:
    used = frozenset({(80, "tcp")})
    ports = HostPorts([used, used], RANGE)

    ports.take(0, [a_port(8080)])

    assert ports.taken(8080, "tcp").tolist() == [True, False]
    assert used == {(80, "tcp")}


def test_the_count_of_free_ports_follows_what_is_taken() -> None:
    ports = HostPorts([frozenset()], RANGE)
    assert ports.free_in_range("tcp").tolist() == [4]

    ports.take(0, [a_port(30002), a_port(), a_port(80)])

    assert ports.free_in_range("tcp").tolist() == [2]
    assert ports.free_in_range("udp").tolist() == [4]


@pytest.mark.parametrize("port_range", [(0, 10), (30001, 30000), (65000, 65536)])
def test_a_range_that_is_none_is_refused(port_range: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="range of host ports"):
        HostPorts([], port_range)


def test_ports_held_back_are_free_for_nobody_and_whoever_has_one_keeps_it() -> None:
    ports = HostPorts([frozenset({(80, "tcp")}), frozenset()], RANGE)

    for node in (0, 1):
        ports.hold_back(node, [a_port(80), a_port(30000), a_port()])

    assert ports.room([a_port(80)]).tolist() == [0, 0]
    assert ports.take(1, [a_port()]) == (30001,)
