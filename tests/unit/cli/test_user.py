"""``okube user``: what is sent of a new user, and the file that opens the cluster to them."""

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from msgspec.structs import replace

from okube.client import connect
from okube.client.clientfile import ClientFile, read_client_file, write_client_file
from okube.model.errors import BadFile
from tests.unit.cli.conftest import run_okube
from tests.unit.client.playing import Certificates, Manager, Received, Reply, problem

Okube = Callable[..., Result]


class Users:
    """A manager that knows users by the hashes of their tokens."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.asked: list[Received] = []
        self.signed: Reply = problem(409, "conflict", "this manager is locked")

    @property
    def certified(self) -> int:
        return sum(request.path == "/v1/self/certificate" for request in self.asked)

    def __call__(self, request: Received) -> Reply:
        self.asked.append(request)
        if request.path == "/v1/self/certificate":
            return self.signed
        name = request.path.removeprefix("/v1/users").strip("/").partition("/")[0]
        if request.path == "/v1/status":
            return Reply(data={"cluster": "lab"})
        if request.path == "/v1/self":
            return Reply(data={"name": self._caller(request), "role": "viewer", "apps": ["shop"]})
        if request.method == "GET":
            return Reply(data=list(self.rows.values()))
        if request.method == "POST" and not name:
            made = request.json()
            self.rows[made["name"]] = made
            return Reply(201, made)
        if name not in self.rows:
            return problem(404, "not-found", f"there is no user {name}")
        if request.method == "DELETE":
            return Reply(data=self.rows.pop(name))
        self.rows[name] |= request.json()
        return Reply(data=self.rows[name])

    def _caller(self, request: Received) -> str:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        sha256 = hashlib.sha256(token.encode()).hexdigest()
        return next((name for name, row in self.rows.items() if row["token_sha256"] == sha256), "admin")


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[..., Manager], users: Users) -> Okube:
    describe(play(users))
    return run_okube


def test_a_new_user_s_file_opens_the_cluster_from_anywhere_and_no_token_was_sent(
    okube: Okube, users: Users, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = okube("user", "create", "alice", "--role", "viewer", "--app", "shop")
    assert made.exit_code == 0, made.stderr
    assert "alice.okube holds the credentials" in made.stderr
    file = home / "alice.okube"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = json.loads(file.read_text())["token"]
    assert all(token not in str(request) for request in users.asked)
    assert (users.rows["alice"]["role"], users.rows["alice"]["apps"]) == ("viewer", ["shop"])
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert json.loads(okube("--config", str(file), "user", "self", "-o", "json").stdout)["name"] == "alice"
    (home / ".okube").mkdir()
    os.rename(file, home / ".okube" / "config")
    assert json.loads(okube("user", "self", "-o", "json").stdout)["name"] == "alice"
    with connect() as client:
        assert client.raw.who_am_i()["name"] == "alice"


def test_the_file_is_taken_where_cluster_yaml_is_a_copy_without_credentials(
    okube: Okube, users: Users, home: Path
) -> None:
    (home / ".okube").mkdir()
    assert okube("user", "create", "alice", "--role", "viewer", "--file", ".okube/config").exit_code == 0
    assert json.loads(okube("user", "self", "-o", "json").stdout)["name"] == "admin"
    (home / ".data" / "admin").rename(home / "gone")
    assert json.loads(okube("user", "self", "-o", "json").stdout)["name"] == "alice"


def test_a_token_alone_is_printed_for_scripts(okube: Okube, users: Users, home: Path) -> None:
    token = okube("user", "create", "ci", "--role", "operator", "--ttl", "1h", "--token").stdout.strip()
    assert users.rows["ci"]["token_sha256"] == hashlib.sha256(token.encode()).hexdigest()
    assert users.rows["ci"]["expires_ms"] > 0
    assert not (home / "ci.okube").exists()
    assert json.loads(okube("user", "self", "-o", "json", OKUBE_TOKEN=token).stdout)["name"] == "ci"


def test_rotated_credentials_take_the_place_of_those_in_the_file(okube: Okube, users: Users, home: Path) -> None:
    okube("user", "create", "alice", "--role", "viewer")
    before = read_client_file(home / "alice.okube")
    assert okube("user", "rotate", "alice").exit_code == 0
    after = read_client_file(home / "alice.okube")
    assert before is not None
    assert after is not None
    assert before.token != after.token
    assert users.rows["alice"]["token_sha256"] == hashlib.sha256(after.token.encode()).hexdigest()


def test_a_file_of_something_else_is_not_written_over_and_nothing_is_sent(
    okube: Okube, users: Users, home: Path
) -> None:
    (home / "alice.okube").write_text("my notes")
    result = okube("user", "create", "alice", "--role", "viewer")
    assert (result.exit_code, users.asked) == (2, [])
    assert (home / "alice.okube").read_text() == "my notes"


def test_what_a_user_may_do_is_changed_and_the_rest_stays(okube: Okube, users: Users) -> None:
    okube("user", "create", "alice", "--role", "viewer", "--app", "shop", "--token")
    assert okube("user", "set", "alice", "--role", "operator").exit_code == 0
    assert (users.rows["alice"]["role"], users.rows["alice"]["apps"]) == ("operator", ["shop"])
    assert okube("user", "set", "alice", "--all-apps").exit_code == 0
    assert users.rows["alice"]["apps"] == []
    assert okube("user", "set", "alice").exit_code == 2


def test_users_are_listed_and_removed_and_a_name_that_is_not_there_is_hinted_at(okube: Okube, users: Users) -> None:
    okube("user", "create", "alice", "--role", "viewer", "--token")
    assert [line.split()[:3] for line in okube("user").stdout.splitlines()] == [
        ["NAME", "ROLE", "APPS"],
        ["alice", "viewer", "all"],
    ]
    missing = okube("user", "rm", "alicia")
    assert missing.exit_code == 1
    assert "did you mean alice?" in missing.stderr
    assert okube("user", "rm", "alice").exit_code == 0
    assert users.rows == {}


def test_a_client_file_that_others_may_read_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    file = tmp_path / "config"
    ca = (certificates.admin / "ca.crt").read_text()
    write_client_file(file, ClientFile(managers=("https://192.0.2.1:7101",), ca=ca, token="okube-mine"))
    file.chmod(0o644)
    with pytest.raises(BadFile, match="chmod 600"):
        read_client_file(file)


@pytest.mark.parametrize("content", ["cluster: lab", "", '{"cluster": "lab", "managers": []}'])
def test_another_kind_of_file_is_no_client_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "config").write_text(content)
    assert read_client_file(tmp_path / "config") is None


def test_a_client_file_that_is_cut_off_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text('{"token": "okube-mi')
    file.chmod(0o600)
    with pytest.raises(BadFile, match="okube user rotate"):
        read_client_file(file)


class Certified:
    """A client file with a certificate that is given, and good, so many seconds before and after now."""

    def __init__(self, okube: Okube, path: Path, certificates: Certificates) -> None:
        okube("user", "create", "alice", "--role", "viewer", "--file", str(path))
        self.path = path
        self.pem = (certificates.admin / "admin.crt").read_text()
        self._key = (certificates.admin / "admin.key").read_text()
        self.ca = (certificates.admin / "ca.crt").read_text()

    def given(self, before_s: float, after_s: float) -> None:
        content, now = self.content, time.time()
        identity = self.pem + self._key
        write_client_file(
            self.path,
            replace(content, identity=identity, identity_since=now - before_s, identity_until=now + after_s),
        )

    @property
    def content(self) -> ClientFile:
        found = read_client_file(self.path)
        assert found is not None
        return found

    def answer(self) -> Reply:
        until = datetime.now(UTC) + timedelta(days=365)
        return Reply(201, {"certificate": self.pem, "ca": self.ca, "expires_at": until.isoformat()})


@pytest.fixture
def certified(okube: Okube, home: Path, certificates: Certificates) -> Certified:
    return Certified(okube, home / "alice.okube", certificates)


def test_a_certificate_in_the_second_half_of_its_life_is_renewed_by_whatever_command_runs(
    okube: Okube, users: Users, certified: Certified
) -> None:
    users.signed = certified.answer()
    certified.given(10, 20)
    assert okube("--config", str(certified.path), "user", "self").exit_code == 0
    assert users.certified == 0
    certified.given(20, 10)
    before = certified.content
    assert okube("--config", str(certified.path), "user", "self").exit_code == 0
    after = certified.content
    assert after.identity_until > before.identity_until + 86_400
    assert after.identity != before.identity, "the key is another one"
    assert (after.token, after.managers, after.user) == (before.token, before.managers, before.user)
    assert stat.S_IMODE(certified.path.stat().st_mode) == 0o600
    assert not after.is_due(time.time())


def test_a_certificate_that_ended_is_got_again_with_the_token(okube: Okube, users: Users, certified: Certified) -> None:
    users.signed = certified.answer()
    certified.given(20, -10)
    assert json.loads(okube("--config", str(certified.path), "user", "self", "-o", "json").stdout)["name"] == "alice"
    assert certified.content.identity_until > time.time()


def test_where_it_cannot_be_renewed_the_command_is_done_all_the_same_and_it_is_tried_again_an_hour_later(
    okube: Okube, users: Users, certified: Certified
) -> None:
    certified.given(20, 10)
    for _ in range(3):
        result = okube("--config", str(certified.path), "user", "self")
        assert (result.exit_code, "locked" in result.stderr) == (0, False)
    assert users.certified == 1


def test_a_file_with_a_token_alone_gets_no_certificate_by_itself(okube: Okube, users: Users, home: Path) -> None:
    okube("user", "create", "alice", "--role", "viewer")
    okube("--config", str(home / "alice.okube"), "user", "self")
    assert users.certified == 0


def test_a_certificate_is_not_renewed_where_the_command_failed_or_another_token_was_shown(
    okube: Okube, users: Users, certified: Certified
) -> None:
    users.signed = certified.answer()
    certified.given(20, 10)
    assert okube("--config", str(certified.path), "user", "rm", "nobody").exit_code == 1
    assert okube("--config", str(certified.path), "user", "self", OKUBE_TOKEN="another").exit_code == 0
    assert users.certified == 0
