import hashlib
import time
from typing import Any

import pytest
from cryptography import x509

from okube.security import ProcessFiles
from okube.security.ca import create_ca, save_ca
from okube.security.jointokens import fingerprint_of, new_secret
from okube.security.private import write_public
from okube.security.requests import new_key, request_for
from tests.unit.manager.conftest import Answer, Api


class Joiner:
    """Somebody who makes tokens, and machines that show them."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.secret = new_secret()
        folder, files = api.core.settings.directory, api.core.settings.authority
        assert files is not None
        self.authority = create_ca("lab", "c1", now_ms=time.time_ns() // 1_000_000)
        save_ca(self.authority, files)
        write_public(ProcessFiles(folder).tls.ca, self.authority.certificate_pem)

    async def token(self, role: str = "worker", **fields: Any) -> str:
        body = {"role": role, "secret_sha256": hashlib.sha256(self.secret.encode()).hexdigest(), **fields}
        answer = await self.api("POST", "/v1/tokens", body)
        assert answer.status == 201, answer.body
        return str(answer.body["id"])

    async def join(self, token: str, name: str = "w7", *, role: str = "worker", **fields: Any) -> Answer:
        body = {
            "token": token,
            "secret": self.secret,
            "role": role,
            "name": name,
            "instance": f"i-{name}",
            "address": "127.0.0.7:7201",
            "csr": request_for(new_key()).decode(),
            **({"raft_address": "127.0.0.7:8101"} if role == "manager" else {}),
            **fields,
        }
        return await self.api("POST", "/v1/join", body, token=None)


@pytest.fixture
def joiner(api: Api) -> Joiner:
    return Joiner(api)


async def test_a_worker_joins_and_gets_a_certificate_for_itself(joiner: Joiner) -> None:
    answer = await joiner.join(await joiner.token(), zone="rack-b", labels={"disk": "ssd"})
    assert answer.status == 200, answer.body
    certificate = x509.load_pem_x509_certificate(answer.body["certificate"].encode())
    certificate.verify_directly_issued_by(joiner.authority.certificate)
    assert certificate.subject.rfc4514_string() == "CN=w7,OU=worker,O=c1"
    assert answer.body["ca"] == joiner.authority.certificate_pem.decode()
    assert [m["address"] for m in answer.body["managers"]] == ["127.0.0.1:2"]
    assert (answer.body["cluster"], answer.body["cluster_id"], answer.body["heartbeat_s"]) == ("lab", "c1", 1.0)
    node = (await joiner.api("GET", "/v1/nodes/w7")).body
    assert (node["id"], node["state"], node["zone"], node["labels"]) == ("i-w7", "down", "rack-b", {"disk": "ssd"})


async def test_a_worker_is_told_nothing_that_is_for_managers_alone(joiner: Joiner) -> None:
    answer = await joiner.join(await joiner.token())
    assert (answer.body["admin_token_sha256"], answer.body["unlock_key"]) == ("", "")


async def test_a_manager_that_joins_learns_and_is_told_who_else_there_is(joiner: Joiner) -> None:
    token = await joiner.token("manager")
    answer = await joiner.join(token, "m4", role="manager", address="127.0.0.7:7101")
    assert answer.status == 200, answer.body
    assert {(m["name"], m["instance"], m["voter"]) for m in answer.body["managers"]} == {
        ("m1", "i1", True),
        ("m4", "i-m4", False),
    }
    assert answer.body["index"] > 0
    assert answer.body["admin_token_sha256"]
    certificate = x509.load_pem_x509_certificate(answer.body["certificate"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "127.0.0.7" in [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    again = await joiner.join(token, "m4", role="manager", address="127.0.0.7:7101")
    assert again.body["managers"] == answer.body["managers"]
    told = [(e["kind"], e["subject"]) for e in (await joiner.api("GET", "/v1/events?subject=m4")).body]
    assert told == [("manager-added", "m4")]
    await joiner.api("DELETE", "/v1/managers/m4")


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"secret": "x" * 43}, 401, "none of cluster lab, or was revoked"),
        ({"token": "nosuchtoken1"}, 401, "none of cluster lab, or was revoked"),
        ({"role": "manager", "raft_address": "127.0.0.7:8101"}, 401, "is for a worker"),
        ({"address": "0.0.0.0:7201"}, 422, "address"),
        ({"address": "127.0.0.7"}, 422, "host:port"),
        ({"address": "192.0.2.7:7201"}, 409, "okube managers readdress"),
        ({"name": "admin"}, 422, "name of a folder"),
        ({"name": "W_7"}, 422, "is not a name"),
        ({"csr": "-----BEGIN CERTIFICATE REQUEST-----"}, 400, "no certificate request"),
        ({"surprise": 1}, 422, "surprise"),
    ],
)
async def test_what_does_not_fit_lets_nobody_in(
    joiner: Joiner, change: dict[str, Any], status: int, words: str
) -> None:
    token = await joiner.token()
    answer = await joiner.join(**{"token": token, **change})
    assert (answer.status, words in str(answer.body)) == (status, True), answer.body
    assert joiner.secret not in str(answer.body)
    assert (await joiner.api("GET", "/v1/tokens")).body[0]["used"] == 0
    assert (await joiner.api("GET", "/v1/nodes")).body == []


async def test_a_token_is_listed_without_its_secret_and_with_the_fingerprint_of_the_ca(joiner: Joiner) -> None:
    token = await joiner.token(uses=3, ttl_s=60)
    await joiner.join(token)
    (listed,) = (await joiner.api("GET", "/v1/tokens")).body
    assert (listed["id"], listed["role"], listed["state"], listed["uses"], listed["used"], listed["created_by"]) == (
        token,
        "worker",
        "valid",
        3,
        1,
        "admin",
    )
    assert listed["ca_sha256"] == fingerprint_of(joiner.authority.certificate_pem.decode())
    assert hashlib.sha256(joiner.secret.encode()).hexdigest() not in str(listed)


async def test_a_token_that_is_revoked_lets_nobody_in(joiner: Joiner) -> None:
    token = await joiner.token()
    assert (await joiner.api("DELETE", f"/v1/tokens/{token}")).status == 200
    assert (await joiner.join(token)).status == 401
    assert (await joiner.api("DELETE", f"/v1/tokens/{token}")).status == 404


async def test_only_who_may_makes_tokens(joiner: Joiner) -> None:
    await joiner.token()
    for method, path in (("POST", "/v1/tokens"), ("GET", "/v1/tokens"), ("DELETE", "/v1/tokens/x")):
        assert (await joiner.api(method, path, {}, token=None)).status == 401


async def test_the_ca_is_told_to_everyone_and_nothing_else(joiner: Joiner) -> None:
    answer = await joiner.api("GET", "/v1/join", token=None)
    assert (answer.status, answer.body) == (200, {"ca": joiner.authority.certificate_pem.decode()})
    assert "Okube-Revision" not in answer.headers


@pytest.mark.parametrize("ttl_s", [0, -1, 400 * 86_400, "soon"])
async def test_a_token_lives_for_a_time_that_can_be(joiner: Joiner, ttl_s: object) -> None:
    body = {"role": "worker", "secret_sha256": "ab" * 32, "ttl_s": ttl_s}
    assert (await joiner.api("POST", "/v1/tokens", body)).status == 422


async def test_who_joined_with_which_token_is_in_the_audit_log_and_no_secret_is(joiner: Joiner) -> None:
    token = await joiner.token()
    await joiner.join(token)
    await joiner.join(token, "w8", secret="x" * 43)
    await joiner.api("DELETE", f"/v1/tokens/{token}")
    records = (await joiner.api("GET", "/v1/audit")).body["records"]
    assert [(r["who"], r["action"], r["result"], r["subject"]) for r in records] == [
        ("admin", "create_token", "done", f"token {token} for a worker"),
        ("", "join", "done", f"worker w7, with token {token}"),
        ("", "join", "refused", f"worker w8, with token {token}"),
        ("admin", "revoke_token", "done", f"token {token}"),
    ]
    assert joiner.secret not in str(records)
    assert "x" * 43 not in str(records)
