import hashlib
import json
from collections.abc import Callable

from click.testing import Result

from okube.security.jointokens import parse_join_token
from tests.unit.cli.cluster import Cluster

Okube = Callable[..., Result]

VIEW: dict[str, object] = {
    "id": "k3v9xk3v9xk3",
    "role": "manager",
    "state": "valid",
    "uses": 2,
    "used": 1,
    "created_at": "2026-01-31T12:00:00.000Z",
    "expires_at": "2026-01-31T13:00:00.000Z",
    "created_by": "ann",
    "ca_sha256": "0f" * 32,
}


def test_a_token_is_printed_alone_and_its_secret_was_never_sent(okube: Okube, cluster: Cluster) -> None:
    cluster.tokens = [VIEW]
    result = okube("token", "create", "--role", "manager", "--ttl", "2m", "--uses", "2")
    assert result.exit_code == 0, result.stderr
    token = parse_join_token(result.stdout)
    assert (token.id, token.role, token.ca_sha256) == (VIEW["id"], "manager", VIEW["ca_sha256"])
    secret_sha256 = hashlib.sha256(token.secret.encode()).hexdigest()
    body = {"role": "manager", "secret_sha256": secret_sha256, "ttl_s": 120.0, "uses": 2}
    assert cluster.written == [("POST", "/v1/tokens", body)]
    assert "okube join TOKEN --manager https://" in result.stderr


def test_for_scripts_there_is_the_token_with_what_is_known_of_it(okube: Okube, cluster: Cluster) -> None:
    cluster.tokens = [VIEW]
    shown = json.loads(okube("token", "create", "-o", "json").stdout)
    assert {**shown, "token": ""} == {**VIEW, "token": ""}
    assert parse_join_token(shown["token"]).id == VIEW["id"]


def test_tokens_are_listed_with_how_often_they_were_used(okube: Okube, cluster: Cluster) -> None:
    cluster.tokens = [VIEW, {**VIEW, "id": "other", "uses": 0, "state": "expired"}]
    lines = [line.split() for line in okube("token", "list").stdout.splitlines()]
    assert [line[:6] for line in lines[1:]] == [
        ["k3v9xk3v9xk3", "manager", "valid", "1", "of", "2"],
        ["other", "manager", "expired", "1", "of", "any"],
    ]


def test_a_token_is_revoked_by_its_id_and_by_itself_without_sending_its_secret(okube: Okube, cluster: Cluster) -> None:
    cluster.tokens = [VIEW]
    for text in ("k3v9xk3v9xk3", f"okube-k3v9xk3v9xk3.{'s' * 43}.{'f' * 43}.worker"):
        result = okube("token", "revoke", text)
        assert (result.exit_code, "revoked" in result.stdout) == (0, True), result.stderr
    assert {path for _, path, _ in cluster.written} == {"/v1/tokens/k3v9xk3v9xk3"}
