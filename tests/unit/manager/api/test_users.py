"""Users over HTTP: what their tokens open, and that it ends at once when it should."""

import asyncio
import hashlib
from typing import Any

import aiohttp
import pytest
from cryptography import x509

from okube.security.ca import create_ca, save_ca
from okube.security.requests import new_key, request_for
from tests.unit.manager.conftest import Answer, Api
from tests.unit.manager.people import a_user, token_of, users_are_enabled

WEB: dict[str, Any] = {"name": "web", "image": "example/web:1", "replicas": 2}


def _problem(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["type"].rpartition(":")[2]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_a_viewer_may_read_and_may_not_write(api: Api) -> None:
    await a_user(api, "vera", "viewer")
    assert (await api("GET", "/v1/services", token=token_of("vera"))).status == 200
    refused = await api("POST", "/v1/services", WEB, token=token_of("vera"))
    assert _problem(refused) == (403, "forbidden")
    assert refused.body["detail"] == "vera is a viewer, and this takes an operator"
    assert (await api("GET", "/v1/services")).body == []


async def test_what_an_operator_makes_bears_the_name(api: Api) -> None:
    await a_user(api, "otto", "operator")
    made = await api("POST", "/v1/services", WEB, token=token_of("otto"))
    assert (made.status, made.body["created_by"]) == (201, "otto")
    assert _problem(await api("GET", "/v1/users", token=token_of("otto"))) == (403, "forbidden")


async def test_an_admin_makes_users_and_no_answer_holds_a_credential(api: Api) -> None:
    await a_user(api, "anna", "admin")
    body = {"name": "bob", "role": "viewer", "token_sha256": _hash("x")}
    made = await api("POST", "/v1/users", body, token=token_of("anna"))
    assert (made.status, made.body["created_by"]) == (201, "anna")
    listed = (await api("GET", "/v1/users", token=token_of("anna"))).body
    assert [user["name"] for user in listed] == ["anna", "bob"]
    assert _hash("x") not in str(listed)
    assert (await api("GET", "/v1/users/bob")).body == made.body


async def test_each_caller_is_told_who_they_are(api: Api) -> None:
    await a_user(api, "vic", "viewer", "shop")
    told = (await api("GET", "/v1/self", token=token_of("vic"))).body
    assert (told["name"], told["role"], told["apps"]) == ("vic", "viewer", ["shop"])
    told = (await api("GET", "/v1/self")).body
    assert (told["name"], told["role"], told["apps"]) == ("admin", "admin", [])


async def test_a_removed_user_is_known_no_more_from_the_next_request_on(api: Api) -> None:
    await a_user(api, "vera", "viewer")
    assert (await api("DELETE", "/v1/users/vera")).status == 200
    assert _problem(await api("GET", "/v1/services", token=token_of("vera"))) == (401, "unauthorized")
    assert (await api("GET", "/v1/services", token=token_of("vera"), Accept="x")).status == 401


async def test_rotated_credentials_replace_those_before(api: Api) -> None:
    await a_user(api, "vera", "viewer")
    assert (await api("POST", "/v1/users/vera/rotate", {"token_sha256": _hash("another")})).status == 200
    assert (await api("GET", "/v1/self", token=token_of("vera"))).status == 401
    assert (await api("GET", "/v1/self", token="another")).body["name"] == "vera"


async def test_a_change_of_role_counts_from_the_next_request_on(api: Api) -> None:
    await a_user(api, "vera", "viewer")
    assert (await api("PATCH", "/v1/users/vera", {"role": "operator"})).status == 200
    assert (await api("POST", "/v1/services", WEB, token=token_of("vera"))).status == 201
    assert (await api("PATCH", "/v1/users/vera", {"role": "viewer"})).status == 200
    assert (await api("DELETE", "/v1/services/web", token=token_of("vera"))).status == 403


async def test_expired_credentials_are_not_believed(api: Api) -> None:
    await a_user(api, "early", "viewer", expires_ms=api.core.clock.time_ms() + 3_600_000)
    await a_user(api, "late", "viewer", expires_ms=api.core.clock.time_ms() - 1)
    assert (await api("GET", "/v1/self", token=token_of("early"))).body["expires_at"] is not None
    refused = await api("GET", "/v1/self", token=token_of("late"))
    assert refused.status == 401
    assert "expired" in refused.body["detail"]


async def test_a_write_whose_body_comes_after_its_user_is_gone_is_refused(api: Api) -> None:
    await a_user(api, "otto", "operator")
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    body = b'{"name": "late", "image": "example/web:1"}'
    head = f"POST /v1/services HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token_of('otto')}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    while api.gate.requests == 0:  # noqa: ASYNC110  # nothing tells that a head was read
        await asyncio.sleep(0)
    assert (await api("DELETE", "/v1/users/otto")).status == 200
    writer.write(body)
    assert (await reader.readline()).split()[1] == b"401"
    writer.close()
    assert (await api("GET", "/v1/services")).body == []


@pytest.mark.parametrize("change", ["remove", "rotate", "demote", "expire"])
async def test_a_watch_ends_when_its_user_is_not_who_they_were(api: Api, change: str) -> None:
    expires = api.core.clock.time_ms() + 2000 if change == "expire" else None
    await a_user(api, "otto", "operator", expires_ms=expires)
    await a_user(api, "vera", "viewer")
    async with aiohttp.ClientSession() as session:
        watches = [
            await session.get(
                f"{api.url}/v1/services?watch=true", headers={"Authorization": f"Bearer {token_of(name)}"}
            )
            for name in ("otto", "vera")
        ]
        otto, vera = watches
        assert b"mark" in await otto.content.readline()
        assert b"mark" in await vera.content.readline()
        if change == "remove":
            await api("DELETE", "/v1/users/otto")
        elif change == "rotate":
            await api("POST", "/v1/users/otto/rotate", {"token_sha256": _hash("another")})
        elif change == "demote":
            await api("PATCH", "/v1/users/otto", {"role": "viewer"})
        async with asyncio.timeout(10):
            with pytest.raises(aiohttp.ClientError):
                while await otto.content.readline():
                    pass
        await api("POST", "/v1/services", WEB)
        assert b'"web"' in await vera.content.readline()
        for watch in watches:
            watch.close()


async def test_a_user_gets_a_certificate_that_names_these_very_credentials(api: Api) -> None:
    assert api.core.settings.authority is not None
    save_ca(create_ca("lab", "c1", now_ms=api.core.clock.time_ms()), api.core.settings.authority)
    await a_user(api, "vera", "viewer")
    await a_user(api, "brief", "viewer", expires_ms=api.core.clock.time_ms() + 3_600_000)
    csr = request_for(new_key()).decode()
    made = await api("POST", "/v1/self/certificate", {"csr": csr}, token=token_of("vera"))
    assert made.status == 201, made.body
    certificate = x509.load_pem_x509_certificate(made.body["certificate"].encode())
    assert [part.value for part in certificate.subject] == ["c1", "user", "vera"]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    user = api.core.tables.users.get("vera")
    assert user is not None
    assert f"okube:instance:{user.instance}" in names.get_values_for_type(x509.UniformResourceIdentifier)
    short = await api("POST", "/v1/self/certificate", {"csr": csr}, token=token_of("brief"))
    brief = api.core.tables.users.get("brief")
    assert brief is not None
    end = x509.load_pem_x509_certificate(short.body["certificate"].encode()).not_valid_after_utc
    assert end.timestamp() * 1000 <= (brief.expires_ms or 0)


async def test_who_is_no_user_gets_no_user_s_certificate(api: Api) -> None:
    refused = await api("POST", "/v1/self/certificate", {"csr": request_for(new_key()).decode()})
    assert _problem(refused) == (409, "conflict")
    await a_user(api, "vera", "viewer")
    assert (await api("POST", "/v1/self/certificate", {"csr": "none"}, token=token_of("vera"))).status == 400


async def test_nobody_gets_the_result_of_another_one_s_request_by_its_key(api: Api) -> None:
    await a_user(api, "otto", "operator")
    await a_user(api, "olaf", "operator")
    assert (await api("POST", "/v1/services", WEB, token=token_of("otto"), Idempotency_Key="k")).status == 201
    assert (await api("POST", "/v1/services", WEB, token=token_of("otto"), Idempotency_Key="k")).status == 201
    other = await api("POST", "/v1/services", WEB, token=token_of("olaf"), Idempotency_Key="k")
    assert _problem(other) == (422, "key-reused")


async def test_what_is_wrong_with_a_new_user_is_told_at_once(api: Api) -> None:
    await users_are_enabled(api)
    body = {"name": "admin", "role": "boss", "token_sha256": "abc", "apps": ["Sh op"]}
    answer = await api("POST", "/v1/users", body)
    assert _problem(answer) == (422, "invalid")
    assert {error["path"] for error in answer.body["errors"]} == {"name", "role", "token_sha256", "apps"}
    body = {"name": "anna", "role": "admin", "token_sha256": _hash("x"), "apps": ["shop"]}
    answer = await api("POST", "/v1/users", body)
    assert [error["path"] for error in answer.body["errors"]] == ["apps"]
