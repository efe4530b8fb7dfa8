"""The key ring as a row of the state."""

import msgspec

from okube.model import commands as c
from okube.model.sealed import Ring, WrappedKey
from okube.state import StateMachine
from tests.builders import Cluster

RING = Ring("u1", (WrappedKey("k1", b"n" * 12, b"wrapped", 1000),))


def test_a_ring_is_made_once() -> None:
    cluster = Cluster()
    other = msgspec.structs.replace(RING, unlock_id="u2")
    first, second = cluster.apply(c.PutRing(RING), c.PutRing(other))
    assert isinstance(first, c.Applied)
    assert isinstance(second, c.Refused)
    assert cluster.tables.ring == msgspec.structs.replace(RING, revision=1)


def test_a_ring_replaces_the_one_that_its_proposer_saw() -> None:
    cluster = Cluster()
    cluster.apply(c.PutRing(RING))
    longer = msgspec.structs.replace(RING, keys=(*RING.keys, WrappedKey("k2", b"m" * 12, b"wrapped too")))
    (result,) = cluster.apply(c.PutRing(longer, before=1))
    assert isinstance(result, c.Applied)
    assert cluster.tables.ring is not None
    assert cluster.tables.ring.newest == "k2"


def test_a_ring_without_keys_is_refused() -> None:
    (result,) = Cluster().apply(c.PutRing(Ring("u1", ())))
    assert isinstance(result, c.Refused)


def test_a_snapshot_holds_the_ring() -> None:
    cluster = Cluster()
    cluster.apply(c.PutRing(RING))
    machine = StateMachine()
    machine.restore(b"".join(cluster.machine.snapshot()))
    assert machine.tables.ring == cluster.tables.ring
    assert machine.tables.digest.hex() == cluster.tables.digest.hex()
