"""Secrets and configs over the API: a value goes in and does not come back."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.manager.conftest import Answer, Api
from tests.unit.manager.people import a_user, token_of

VALUE = b"correct horse battery staple"


def a_secret(name: str = "db", value: bytes = VALUE, **fields: Any) -> dict[str, Any]:
    return {"name": name, "value": base64.b64encode(value).decode(), **fields}


@pytest.fixture
async def ring(api: Api) -> AsyncIterator[Api]:
    while api.core.vault.locked:
        await api.core.raft.wait_leadership_change(0.02)
    yield api


def _shows(answer: Answer) -> bool:
    text = str(answer.body)
    return any(part in text for part in (VALUE.decode(), base64.b64encode(VALUE).decode(), VALUE.hex()))


def _files_with(value: bytes, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and value in path.read_bytes()]


async def test_a_secret_is_made_listed_rotated_and_removed_and_never_shown(ring: Api, tmp_path: Path) -> None:
    answers = [
        await ring("POST", "/v1/secrets", a_secret(app="shop", labels={"team": "web"})),
        await ring("GET", "/v1/secrets"),
        await ring("GET", "/v1/secrets/db"),
        await ring("POST", "/v1/secrets/db/rotate", {"value": base64.b64encode(VALUE + b"2").decode()}),
        await ring("GET", "/v1/events"),
        await ring("DELETE", "/v1/secrets/db"),
        await ring("GET", "/v1/secrets"),
    ]
    assert [answer.status for answer in answers] == [201, 200, 200, 200, 200, 200, 200]
    assert (answers[0].body["app"], answers[0].body["labels"], answers[0].body["version"]) == (
        "shop",
        {"team": "web"},
        1,
    )
    assert answers[3].body["version"] == 2
    assert [row["name"] for row in answers[1].body] == ["db"]
    assert answers[6].body == []
    assert not any(map(_shows, answers))
    assert _files_with(VALUE, tmp_path) == []


async def test_a_config_is_read_back_byte_for_byte_in_any_version_that_is_kept(ring: Api) -> None:
    await ring("POST", "/v1/configs", a_secret("motd", b"\x00one\xff"))
    await ring("POST", "/v1/configs/motd/rotate", {"value": base64.b64encode(b"two").decode()})
    newest = await ring("GET", "/v1/configs/motd/value")
    assert (newest.status, newest.body) == (200, b"two")
    first = await ring("GET", "/v1/configs/motd/value?version=1")
    assert first.body == b"\x00one\xff"
    gone = await ring("GET", "/v1/configs/motd/value?version=9")
    assert (gone.status, gone.body["detail"]) == (
        404,
        "version 9 of config motd is not kept; versions 1 to 2 are",
    )


async def test_there_is_no_way_to_the_value_of_a_secret(ring: Api) -> None:
    await ring("POST", "/v1/secrets", a_secret())
    assert (await ring("GET", "/v1/secrets/db/value")).status == 404
    assert (await ring("GET", "/v1/configs/db/value")).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "db", "value": VALUE.decode()},
        {"name": "db", "value": {"text": VALUE.decode()}},
        {"name": "db", "value": [VALUE.decode()]},
        {"name": "db", "valeu": VALUE.decode()},
        {"name": "db", "value": base64.b64encode(b"x" * ((512 << 10) + 1)).decode()},
        {"name": "No Name", "value": ""},
    ],
)
async def test_what_is_wrong_is_told_without_the_value(ring: Api, body: dict[str, Any]) -> None:
    answer = await ring("POST", "/v1/secrets", body)
    assert answer.status == 422
    assert not _shows(answer)


async def test_a_repeat_with_the_same_key_is_done_once_and_another_value_under_it_is_refused(ring: Api) -> None:
    first = await ring("POST", "/v1/secrets", a_secret(), Idempotency_Key="once")
    again = await ring("POST", "/v1/secrets", a_secret(), Idempotency_Key="once")
    other = await ring("POST", "/v1/secrets", a_secret(value=b"other"), Idempotency_Key="once")
    assert (first.status, again.status, other.status) == (201, 201, 422)
    assert again.body == first.body


async def test_a_write_is_for_the_revision_that_it_names(ring: Api) -> None:
    made = await ring("POST", "/v1/secrets", a_secret())
    value = {"value": base64.b64encode(b"2").decode()}
    wrong = await ring("POST", "/v1/secrets/db/rotate", value, If_Match=str(made.body["revision"] - 1))
    right = await ring("POST", "/v1/secrets/db/rotate", value, If_Match=str(made.body["revision"]))
    assert (wrong.status, right.status) == (409, 200)


async def test_lists_are_filtered_by_app_and_label(ring: Api) -> None:
    await ring("POST", "/v1/secrets", a_secret("one", app="shop"))
    await ring("POST", "/v1/secrets", a_secret("two", labels={"team": "web"}))
    for query, names in (("app=shop", ["one"]), ("label=team=web", ["two"]), ("app=none", [])):
        assert [row["name"] for row in (await ring("GET", f"/v1/secrets?{query}")).body] == names


async def test_who_has_some_apps_alone_sees_and_changes_the_secrets_of_these(ring: Api) -> None:
    await a_user(ring, "olga", "operator", "shop")
    value = {"value": base64.b64encode(b"2").decode()}
    for name, app in (("ours", "shop"), ("theirs", "bank"), ("lone", "")):
        await ring("POST", "/v1/configs", a_secret(name, app=app))
    calls = {
        name: [
            (await ring("GET", f"/v1/configs/{name}", token=token_of("olga"))).status,
            (await ring("GET", f"/v1/configs/{name}/value", token=token_of("olga"))).status,
            (await ring("POST", f"/v1/configs/{name}/rotate", value, token=token_of("olga"))).status,
            (await ring("DELETE", f"/v1/configs/{name}", token=token_of("olga"))).status,
        ]
        for name in ("theirs", "lone", "ours")
    }
    assert calls == {"theirs": [403] * 4, "lone": [403] * 4, "ours": [200] * 4}
    assert (await ring("GET", "/v1/configs", token=token_of("olga"))).body == []
    made = [
        (await ring("POST", "/v1/configs", a_secret("new", app=app), token=token_of("olga"))).status
        for app in ("bank", "", "shop")
    ]
    assert made == [403, 403, 201]
