"""Secrets and configs as rows: versions, what is refused, and what is told of them."""

import msgspec
import pytest

from okube.model import commands as c
from okube.model.sealed import Ring, Sealed, WrappedKey
from okube.model.secret import KEPT_VALUES
from okube.state import StateMachine
from okube.state.sealing import keys_in_use, sealed_in
from tests.builders import Cluster

NONCE = b"n" * 12


def a_key(key_id: str) -> WrappedKey:
    return WrappedKey(key_id, NONCE, b"wrapped")


def sealed_with(key_id: str, ciphertext: bytes = b"sealed") -> Sealed:
    return Sealed(key_id, NONCE, ciphertext)


def a_value(name: str = "db", how: str = "create", value_id: str = "v1", key: str = "k1") -> c.PutSecret:
    return c.PutSecret("secret", name, value_id, sealed_with(key), 6, how, by="ann")


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.apply(c.PutRing(Ring("u1", (a_key("k1"),))))
    return made


def test_a_secret_is_made_once_and_gets_versions(cluster: Cluster) -> None:
    made, again, rotated = cluster.apply(a_value(), a_value(value_id="v2"), a_value(how="rotate", value_id="v3"))
    assert isinstance(made, c.Applied)
    assert isinstance(again, c.Refused)
    assert "okube secret rotate db" in again.detail
    assert isinstance(rotated, c.Applied)
    secret = cluster.tables.secrets["secret", "db"]
    assert [(each.version, each.id) for each in secret.versions] == [(1, "v1"), (2, "v3")]


def test_a_config_may_bear_the_name_of_a_secret(cluster: Cluster) -> None:
    config = msgspec.structs.replace(a_value(), secret_kind="config")
    results = cluster.apply(a_value(), config)
    assert all(isinstance(result, c.Applied) for result in results)


def test_what_is_not_there_is_neither_rotated_nor_removed(cluster: Cluster) -> None:
    for result in cluster.apply(a_value(how="rotate"), c.DeleteSecret("secret", "db")):
        assert isinstance(result, c.Refused)
        assert (result.kind, result.detail) == ("not-found", "there is no secret db")


def test_a_revision_that_moved_on_is_refused(cluster: Cluster) -> None:
    cluster.apply(a_value(), a_value(how="rotate", value_id="v2"))
    for command in (
        msgspec.structs.replace(a_value(how="rotate", value_id="v3"), if_match=1),
        c.DeleteSecret("secret", "db", if_match=1),
    ):
        (result,) = cluster.apply(command)
        assert isinstance(result, c.Refused)
        assert result.kind == "conflict"
    revision = cluster.tables.secrets["secret", "db"].revision
    (removed,) = cluster.apply(c.DeleteSecret("secret", "db", if_match=revision))
    assert isinstance(removed, c.Applied)
    assert cluster.tables.secrets == {}


def test_only_the_newest_values_are_kept(cluster: Cluster) -> None:
    cluster.apply(a_value(), *(a_value(how="rotate", value_id=f"w{n}") for n in range(KEPT_VALUES)))
    versions = cluster.tables.secrets["secret", "db"].versions
    assert [each.version for each in versions] == list(range(2, KEPT_VALUES + 2))


def test_what_was_sealed_with_a_key_that_is_gone_is_not_taken(cluster: Cluster) -> None:
    (result,) = cluster.apply(a_value(key="k0"))
    assert isinstance(result, c.Refused)
    assert result.kind == "conflict"


def test_a_data_key_stays_while_it_seals_something(cluster: Cluster) -> None:
    cluster.apply(a_value())
    before = cluster.tables.ring
    assert before is not None
    (refused,) = cluster.apply(c.PutRing(Ring("u1", (a_key("k2"),)), before.revision))
    assert isinstance(refused, c.Refused)
    assert "k1 still seal something" in refused.detail
    (longer,) = cluster.apply(c.PutRing(Ring("u1", (a_key("k1"), a_key("k2"))), before.revision))
    assert isinstance(longer, c.Applied)
    cluster.apply(c.Reseal(("secret/db/v1",), ("k1",), (sealed_with("k2"),)))
    assert keys_in_use(cluster.tables) == {"k2"}
    (shorter,) = cluster.apply(c.PutRing(Ring("u1", (a_key("k2"),)), cluster.tables.ring.revision))  # type: ignore[union-attr]
    assert isinstance(shorter, c.Applied)


def test_sealing_anew_passes_over_what_is_gone_or_was_sealed_anew_already(cluster: Cluster) -> None:
    cluster.apply(a_value())
    cluster.apply(c.PutRing(Ring("u1", (a_key("k1"), a_key("k2"))), 1))
    first, second = sealed_with("k2", b"first"), sealed_with("k2", b"second")
    places = ("secret/db/v1", "secret/db/v9", "secret/gone/v1", "nothing/known")
    cluster.apply(c.Reseal(places, ("k1",) * 4, (first,) * 4))
    cluster.apply(c.Reseal(places[:1], ("k1",), (second,)))
    assert dict(sealed_in(cluster.tables)) == {"secret/db/v1": first}


def test_what_is_told_says_who_and_what_and_nothing_of_the_value(cluster: Cluster) -> None:
    cluster.apply(a_value(), a_value(how="rotate", value_id="v2"), c.DeleteSecret("secret", "db", by="bob"))
    told = [(e.kind, e.subject_kind, e.subject, e.by, e.message) for e in cluster.tables.events.rows()]
    assert told == [
        ("secret-created", "secret", "db", "ann", ""),
        ("secret-rotated", "secret", "db", "ann", "version 2"),
        ("secret-removed", "secret", "db", "bob", ""),
    ]


def test_a_snapshot_holds_them(cluster: Cluster) -> None:
    cluster.apply(a_value(), a_value("other"))
    machine = StateMachine()
    machine.restore(b"".join(cluster.machine.snapshot()))
    assert machine.tables.secrets == cluster.tables.secrets
    assert machine.tables.digest.hex() == cluster.tables.digest.hex()
