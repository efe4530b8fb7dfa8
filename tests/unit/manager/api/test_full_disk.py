"""What a manager whose disk is full says and does; alone, so that nobody can be asked instead."""

import asyncio
import errno
from collections.abc import Iterator

import pytest

from okube.manager.api import forward
from okube.seams import disk
from okube.seams.disk import NoRoom
from tests.unit.manager.conftest import Api

WEB = {"name": "web", "image": "example/web:1", "replicas": 0}


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A disk without room for another byte, until it is undone."""

    def refuse(*_: object) -> None:
        raise NoRoom(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(forward, "_PATIENCE_S", 0.2)
    with monkeypatch.context() as patch:
        patch.setattr(disk, "_write_all", refuse)
        patch.setattr(disk, "_try_room", refuse)
        yield patch


async def test_it_says_so_and_serves_again_when_there_is_room(api: Api, full: pytest.MonkeyPatch) -> None:
    with_room = asyncio.create_task(api("POST", "/v1/services", WEB))
    assert (await with_room).status in (503, 504)
    assert api.core.raft.is_sidelined
    said = (await api("GET", "/v1/status")).body
    assert [(m["role"], m["state"]) for m in said["managers"]] == [("follower", "disk-full")]
    assert (said["quorum"], said["leader"]) == (False, None)
    not_ready = await api("GET", "/readyz")
    assert (not_ready.status, not_ready.headers["Retry-After"]) == (503, "1")
    assert "the disk of m1 is full" in not_ready.body["detail"]
    for method, path in (("GET", "/v1/services"), ("POST", "/v1/services"), ("GET", "/v1/tasks?watch=true")):
        refused = await api(method, path, WEB if method == "POST" else None)
        assert refused.status == 503
        assert "the disk of m1 is full" in refused.body["detail"]
    assert (await api("GET", "/v1/services?stale=true")).status == 200
    assert b"okube_raft_disk_full 1.0" in (await api("GET", "/metrics")).body
    full.undo()
    async with asyncio.timeout(10):
        while (await api("GET", "/readyz")).status != 200:
            await api.core.raft.wait_leadership_change(0.05)
    assert (await api("POST", "/v1/services", {**WEB, "name": "later"})).status == 201
    assert (await api("GET", "/v1/status")).body["managers"][0]["state"] == "ready"
