import msgspec
import pytest

from okube.state import StateMachine
from okube.state.snapshot import dump
from tests.builders import Cluster, a_spec


def a_cluster(replicas: int) -> Cluster:
    cluster = Cluster()
    cluster.node("w1", cores=1000.0, memory="1000G")
    cluster.put(a_spec(replicas=replicas))
    cluster.plan()
    return cluster


@pytest.mark.parametrize("replicas", [1, 15, 16, 100, 4500])
def test_the_pieces_together_are_one_value_of_msgpack(replicas: int) -> None:
    whole = b"".join(dump(a_cluster(replicas).tables))
    values = msgspec.msgpack.decode(whole)  # it takes nothing less, and nothing that follows
    assert isinstance(values, list)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(values)) == values


def test_what_changes_while_the_pieces_are_drawn_is_not_in_them() -> None:
    cluster = a_cluster(20)
    cluster.settle()
    before = b"".join(dump(cluster.tables))
    pieces = dump(cluster.tables)
    cluster.put(a_spec(replicas=3, image="example/web:2"), a_spec("other"))
    cluster.settle()
    assert b"".join(pieces) == before


def test_a_large_state_comes_in_many_pieces_and_is_restored_from_them() -> None:
    cluster = a_cluster(4500)
    pieces = list(dump(cluster.tables))
    assert len(pieces) > 3
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2
    restored = StateMachine()
    restored.restore(b"".join(pieces))
    assert restored.tables.digest.hex() == cluster.tables.digest.hex()


def test_the_old_state_stands_until_the_new_one_is_whole() -> None:
    cluster, machine = a_cluster(4500), StateMachine()
    old = a_cluster(3)
    machine.restore(b"".join(dump(old.tables)))
    steps = 0
    for is_replaced in machine.restoring(b"".join(dump(cluster.tables))):
        if is_replaced:
            break
        assert machine.tables.digest.hex() == old.tables.digest.hex()
        assert len(machine.tables.tasks) == 3
        steps += 1
    assert steps > 20
    assert machine.tables.digest.hex() == cluster.tables.digest.hex()


def test_observers_stay_and_are_not_told_of_what_a_snapshot_brings() -> None:
    machine, told = StateMachine(), []
    machine.tables.observers.append(lambda table, old, new: told.append(table))
    machine.restore(b"".join(dump(a_cluster(3).tables)))
    assert told == []
    machine.tables.put_node(next(iter(machine.tables.nodes.values())))
    assert told == ["nodes"]


def test_a_snapshot_of_a_version_without_index_is_restored() -> None:
    cluster = a_cluster(20)
    cluster.settle()
    fields = msgspec.msgpack.decode(b"".join(dump(cluster.tables)))
    restored = StateMachine()
    restored.restore(msgspec.msgpack.encode(fields[:12]))
    assert restored.tables.digest.hex() == cluster.tables.digest.hex()


def test_what_is_no_snapshot_changes_nothing() -> None:
    cluster = a_cluster(5)
    digest = cluster.tables.digest.hex()
    whole = b"".join(dump(cluster.tables))
    for broken in (b"", b"\x93\x01\x02\x03", whole[:-9], whole[:40] + whole[60:]):
        with pytest.raises(ValueError, match="snapshot"):
            cluster.machine.restore(broken)
        assert cluster.tables.digest.hex() == digest
