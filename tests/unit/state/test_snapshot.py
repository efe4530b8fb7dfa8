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
    assert msgspec.msgpack.encode(msgspec.msgpack.decode(whole)) == whole


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
