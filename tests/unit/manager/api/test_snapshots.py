from pathlib import Path

import pytest

from okube.manager.retention import Retention
from okube.manager.snapshots import Keeper
from okube.model.archive import read_archive
from okube.seams.disk import FileDisk
from okube.state import StateMachine
from tests.unit.manager.conftest import Api


def a_keeper(api: Api, directory: Path, **policy: float) -> Keeper:
    return Keeper(api.core, FileDisk(), directory, Retention(**policy))  # type: ignore[arg-type]


async def test_a_saved_snapshot_holds_the_state_of_the_moment(api: Api) -> None:
    await api("POST", "/v1/services", {"name": "web", "image": "example/web:1"})
    answer = await api("GET", "/v1/snapshot")
    assert answer.status == 200
    found = read_archive(answer.body)
    assert (found.head.cluster_id, found.head.taken_by, found.head.why) == ("c1", "m1", "saved")
    restored = StateMachine()
    restored.restore(found.state)
    assert restored.tables.digest.hex() == found.head.digest
    assert restored.tables.service_named("web") is not None


async def test_one_is_kept_at_once_and_another_when_it_is_time_and_something_changed(api: Api, tmp_path: Path) -> None:
    keeper = a_keeper(api, tmp_path / "kept", every_s=3600)
    await keeper._look()
    await keeper._look()
    assert len(await keeper.kept()) == 1
    soon = a_keeper(api, tmp_path / "kept", every_s=0.001)
    await soon._look()
    assert len(await soon.kept()) == 1, "nothing has changed"
    await api("POST", "/v1/services", {"name": "web", "image": "example/web:1"})
    await soon._look()
    assert [each.head.why for each in await soon.kept()] == ["scheduled", "scheduled"]


async def test_what_is_kept_is_listed_and_what_cannot_be_read_is_told_once_and_passed_over(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    path = await api.keeper.keep("scheduled")
    (path.parent / "20200101T000000Z-r1.okube").write_bytes(b"nothing")
    listed = await api("GET", "/v1/snapshots")
    assert [(each["name"], each["manager"], each["path"]) for each in listed.body] == [(path.name, "m1", str(path))]
    await api("GET", "/v1/snapshots")
    assert len([record for record in caplog.records if "no snapshot that can be read" in record.message]) == 1


async def test_a_full_disk_is_told_once_and_ends_nothing(
    api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = a_keeper(api, tmp_path / "kept")
    for _ in range(2):
        keeper._tell(OSError(28, "No space left on device"))
    assert len([record for record in caplog.records if "no snapshot can be kept" in record.message]) == 1
