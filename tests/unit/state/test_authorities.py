"""The cluster's CAs as a row of the state, and what is told of certificates."""

import msgspec

from okube.model import commands as c
from okube.model.authority import Authorities, KeptCa, sealed_as
from okube.model.sealed import Sealed
from okube.state import StateMachine
from okube.state.authorities import seal_anew
from okube.state.sealing import keys_in_use, sealed_in
from tests.builders import Cluster


def a_ca(name: str, key: str = "k1") -> KeptCa:
    return KeptCa(name, f"certificate of {name}\n".encode(), Sealed(key, b"n" * 12, b"sealed"), 1000)


ONE = Authorities("a", (a_ca("a"),))
BOTH = Authorities("a", (a_ca("a"), a_ca("b")), coming="b", began_ms=5)


def test_cas_are_kept_once_and_change_as_their_proposer_saw_them() -> None:
    cluster = Cluster()
    first, again, changed = cluster.apply(
        c.PutAuthorities(ONE, "kept"), c.PutAuthorities(ONE, "kept"), c.PutAuthorities(BOTH, "began", 1, "alice")
    )
    assert isinstance(first, c.Applied)
    assert isinstance(again, c.Refused)
    assert isinstance(changed, c.Applied)
    assert cluster.tables.authorities is not None
    assert cluster.tables.authorities.kept == BOTH.kept


def test_the_one_that_signs_is_one_of_them() -> None:
    (result,) = Cluster().apply(c.PutAuthorities(msgspec.structs.replace(ONE, signer="z"), "kept"))
    assert isinstance(result, c.Refused)


def test_a_snapshot_holds_them() -> None:
    cluster = Cluster()
    cluster.apply(c.PutAuthorities(BOTH, "kept"))
    machine = StateMachine()
    machine.restore(b"".join(cluster.machine.snapshot()))
    assert machine.tables.authorities == cluster.tables.authorities
    assert machine.tables.digest.hex() == cluster.tables.digest.hex()


def test_a_data_key_that_seals_a_ca_is_in_use_and_is_sealed_anew() -> None:
    cluster = Cluster()
    cluster.apply(c.PutAuthorities(BOTH, "kept"))
    tables = cluster.tables
    assert [place for place, _ in sealed_in(tables)] == ["authority/a", "authority/b"]
    anew = Sealed("k2", b"m" * 12, b"sealed anew")
    seal_anew(tables, sealed_as("b"), "k1", anew)
    seal_anew(tables, sealed_as("a"), "k0", anew)
    assert keys_in_use(tables) == {"k1", "k2"}
    assert tables.authorities is not None
    assert tables.authorities.of("b") == msgspec.structs.replace(a_ca("b"), key=anew)


def test_each_step_is_told_once_and_for_itself() -> None:
    cluster = Cluster()
    cluster.apply(c.PutAuthorities(ONE, "kept"))
    cluster.apply(c.PutAuthorities(BOTH, "began", 1, "alice"))
    assert cluster.tables.authorities is not None
    signs = msgspec.structs.replace(BOTH, signer="b")
    cluster.apply(c.PutAuthorities(signs, "signs", cluster.tables.authorities.revision))
    told = [(event.reason, event.by) for event in cluster.tables.events.rows() if event.kind == "ca-changed"]
    assert told == [("began", "alice"), ("signs", "")]


def test_a_certificate_that_ends_soon_is_a_warning_about_whose_it_is() -> None:
    cluster = Cluster()
    cluster.apply(c.TellOfCertificates(("node", "manager", "cluster"), ("w1", "m1", ""), (86_400_000, 0, 0)))
    told = {event.subject: event for event in cluster.tables.events.rows() if event.kind == "certificate-ends"}
    assert {event.level for event in told.values()} == {"warning"}
    assert told["w1"].node == "w1"
    assert "ends at 1970-01-02 00:00 UTC" in told["w1"].message
    assert told["m1"].subject_kind == "manager"
    assert "the cluster's CA" in told[""].message
