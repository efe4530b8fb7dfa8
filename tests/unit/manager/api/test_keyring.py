"""The key ring over the API."""

import base64
from collections.abc import AsyncIterator

import pytest

from okube.manager.vault import Vault
from okube.security.keyring import UnlockKey
from tests.unit.manager.conftest import Api
from tests.unit.security.dice import Dice


@pytest.fixture
async def ring(api: Api) -> AsyncIterator[Api]:
    while api.core.vault.locked:
        await api.core.raft.wait_leadership_change(0.02)
    yield api


async def _until_one_key(api: Api) -> list[dict[str, object]]:
    while True:
        keys: list[dict[str, object]] = (await api("GET", "/v1/keyring")).body["keys"]
        if len(keys) == 1:
            return keys
        await api.core.raft.wait_leadership_change(0.02)


async def test_a_rotation_seals_everything_anew_and_lets_the_old_key_go(ring: Api) -> None:
    await ring("POST", "/v1/configs", {"name": "motd", "value": base64.b64encode(b"hello").decode()})
    (before,) = (await ring("GET", "/v1/keyring")).body["keys"]
    assert (await ring("POST", "/v1/keyring/rotate")).status == 200
    (after,) = await _until_one_key(ring)
    assert after["id"] != before["id"]
    assert (after["seals"], after["values"]) == (True, 1)
    assert (await ring("GET", "/v1/configs/motd/value")).body == b"hello"


async def test_the_unlock_key_is_changed_and_the_new_one_is_for_admins_to_read(ring: Api) -> None:
    before = (await ring("GET", "/v1/keyring/unlock-key")).body
    key = UnlockKey.new(Dice(5))
    refused = await ring("POST", "/v1/keyring/unlock-key", {"autolock": True})
    assert (refused.status, "send `key`" in refused.body["detail"]) == (422, True)
    changed = await ring("POST", "/v1/keyring/unlock-key", {"autolock": True, "key": key.text})
    assert (changed.status, changed.body["autolock"]) == (200, True)
    after = (await ring("GET", "/v1/keyring/unlock-key")).body
    assert before["id"] != after["id"] == changed.body["unlock_key"]
    assert UnlockKey.parse(after["key"]) == key
    assert (await ring("POST", "/v1/keyring/unlock-key", {"autolock": False})).body["autolock"] is False
    made = (await ring("GET", "/v1/keyring/unlock-key")).body
    assert UnlockKey.parse(made["key"]).id == made["id"] != key.id


async def test_a_manager_is_unlocked_with_the_right_key_alone(ring: Api) -> None:
    key = (await ring("GET", "/v1/keyring/unlock-key")).body["key"]
    wrong = await ring("POST", "/v1/unlock", {"key": UnlockKey.new(Dice()).text})
    assert (wrong.status, wrong.body["type"]) == (422, "urn:okube:error:wrong-unlock-key")
    none = await ring("POST", "/v1/unlock", {"key": key[:-3]})
    assert none.status == 422
    assert key[20:-3] not in str(none.body)
    right = await ring("POST", "/v1/unlock", {"key": key})
    assert (right.status, right.body) == (200, {"unlocked": ["m1"], "missing": []})


async def test_a_ring_is_given_up_only_where_its_key_is_lost_and_then_another_one_follows(ring: Api) -> None:
    await ring("POST", "/v1/configs", {"name": "motd", "value": base64.b64encode(b"hello").decode()})
    old = (await ring("GET", "/v1/keyring")).body["unlock_key"]
    kept = await ring("POST", "/v1/keyring/reset", {"unlock_key": old})
    assert (kept.status, "nothing is lost" in kept.body["detail"]) == (409, True)
    lost = Vault("c1", lambda: ring.core.tables)
    ring.core.vault = lost
    assert (await ring("POST", "/v1/keyring/reset", {"unlock_key": "other"})).status == 409
    assert (await ring("POST", "/v1/keyring/reset", {"unlock_key": old})).status == 200
    assert (await ring("GET", "/v1/configs")).body == []
    while lost.locked:
        await ring.core.raft.wait_leadership_change(0.02)
    assert (await ring("GET", "/v1/keyring")).body["unlock_key"] != old
    again = await ring("POST", "/v1/configs", {"name": "motd", "value": base64.b64encode(b"anew").decode()})
    assert again.status == 201
