"""What only a newer Okube knows is never half applied, and what is enabled only goes up."""

from typing import Any

import msgspec
import pytest

from okube.model import commands as c
from okube.model.epoch import Epoch
from okube.model.errors import UnknownVersion
from okube.model.versions import COMMAND_VERSION
from okube.state import BATCH_VERSION, StateMachine
from okube.state.snapshot import dump
from tests.builders import Cluster, a_spec

NEWER = COMMAND_VERSION + 1


def _put(name: str) -> bytes:
    return c.encode_command(c.PutServices((a_spec(name),), (name,), "upsert"))


def _enable(cluster: Cluster, version: int) -> c.Result:
    return cluster.apply(c.EnableVersion(version))[0]


def _without_index(cluster: Cluster) -> list[Any]:
    """A snapshot's parts, as one was written before there was an index at its end."""
    parts: list[Any] = msgspec.msgpack.decode(b"".join(dump(cluster.tables)))
    return parts[:12]


def test_an_item_of_a_newer_version_stops_the_manager_before_anything_of_its_batch_is_applied() -> None:
    cluster = Cluster()
    items = (c.Item(_put("web")), c.Item(_put("api"), version=NEWER))
    with pytest.raises(UnknownVersion, match=f"entry 1 of the log needs command version {NEWER}"):
        cluster.apply_batch(c.Batch(BATCH_VERSION, cluster.epoch, 1, items))
    assert cluster.tables.revision == 0


def test_a_kind_that_is_not_known_stops_the_manager_even_where_its_item_names_no_version() -> None:
    cluster = Cluster()
    items = (c.Item(msgspec.msgpack.encode(["from-the-future/9", 1])),)
    with pytest.raises(UnknownVersion, match="the command from-the-future/9"):
        cluster.apply_batch(c.Batch(BATCH_VERSION, cluster.epoch, 1, items))


@pytest.mark.parametrize("rest", [(Epoch(1, 1), 1, ()), ("in", "other", "words")])
def test_a_newer_format_of_batches_stops_the_manager(rest: tuple[object, ...]) -> None:
    with pytest.raises(UnknownVersion, match=f"batch format {BATCH_VERSION + 1}"):
        StateMachine().apply(1, 1, msgspec.msgpack.encode((BATCH_VERSION + 1, *rest)))


def test_a_deposed_leader_s_batch_is_refused_whatever_is_in_it() -> None:
    cluster = Cluster()
    cluster.epoch = Epoch(1, 7)
    cluster.put(a_spec("first"))
    items = (c.Item(_put("late"), version=NEWER),)
    (result,) = cluster.apply_batch(c.Batch(BATCH_VERSION, Epoch(1, 6), 1, items))
    assert isinstance(result, c.Refused)
    assert result.kind == "stale-epoch"


def test_enabling_is_kept_in_the_state_and_told_once() -> None:
    cluster = Cluster()
    for _ in range(2):
        assert isinstance(_enable(cluster, COMMAND_VERSION), c.Applied)
    assert cluster.tables.settings.command_version == COMMAND_VERSION
    (event,) = [event for event in cluster.tables.events.rows() if event.kind == "version-enabled"]
    assert event.message == f"command version {COMMAND_VERSION}: all managers know it"
    assert event.count == 1


def test_what_is_enabled_never_goes_back() -> None:
    cluster = Cluster()
    _enable(cluster, COMMAND_VERSION)
    revision = cluster.tables.revision
    _enable(cluster, 1)
    assert cluster.tables.settings.command_version == COMMAND_VERSION
    assert cluster.tables.revision == revision


def test_a_snapshot_carries_what_is_enabled() -> None:
    cluster = Cluster()
    _enable(cluster, COMMAND_VERSION)
    restored = StateMachine()
    restored.restore(b"".join(dump(cluster.tables)))
    assert restored.tables.settings.command_version == COMMAND_VERSION
    assert restored.tables.digest.hex() == cluster.tables.digest.hex()


@pytest.mark.parametrize("readable", [True, False])
def test_a_snapshot_with_a_newer_version_enabled_is_refused_also_where_its_rows_cannot_be_read(readable: bool) -> None:
    cluster = Cluster()
    settings = msgspec.structs.replace(cluster.tables.settings, command_version=NEWER)
    cluster.tables.put_settings(settings)
    parts = _without_index(cluster)
    if not readable:
        parts[5] = ["a row of the future"]
    machine = StateMachine()
    with pytest.raises(UnknownVersion, match=f"the snapshot needs command version {NEWER}"):
        machine.restore(msgspec.msgpack.encode(parts[:-1]))  # without the index, which came later too
    assert machine.tables.settings.command_version == 1


def test_a_snapshot_from_before_versions_has_the_first() -> None:
    parts = _without_index(Cluster())
    del parts[4]["command_version"]
    machine = StateMachine()
    machine.restore(msgspec.msgpack.encode(parts[:-1]))  # without the index, which came later too
    assert machine.tables.settings.command_version == 1
