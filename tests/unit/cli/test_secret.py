"""``okube secret`` and ``okube config``: where values come from, and that they go nowhere else."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply, problem

ROW = {
    "name": "db",
    "app": "",
    "labels": {},
    "version": 2,
    "versions": [],
    "bytes": None,
    "created_by": "ann",
    "created_at": "2026-01-31T12:00:00.000Z",
    "updated_at": "2026-01-31T12:00:00.000Z",
    "revision": 7,
}


class Site:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []

    def __call__(self, received: Received) -> Reply:
        if received.method != "GET":
            self.sent.append((received.method, received.path, received.body))
        if "absent" in received.path:
            return problem(404, "not-found", "there is no secret absent")
        if received.path.endswith("/value"):
            raw = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\n\r\n\x00one\xff"
            return Reply(raw=raw)
        is_list = received.method == "GET" and received.path.split("?")[0] in ("/v1/secrets", "/v1/configs")
        return Reply(200, [ROW] if is_list else ROW)

    def value(self) -> bytes:
        return base64.b64decode(json.loads(self.sent[-1][2])["value"])


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    describe(play(site))
    return run_okube


@pytest.mark.parametrize("kind", ["secret", "config"])
def test_a_value_comes_from_a_file_byte_for_byte(okube: Okube, site: Site, home: Path, kind: str) -> None:
    (home / "value").write_bytes(b"\x00hunter2\n")
    made = okube(kind, "create", "db", "value", "--app", "shop", "--label", "team=web")
    assert made.exit_code == 0, made.stderr
    method, path, body = site.sent[-1]
    assert (method, path, site.value()) == ("POST", f"/v1/{kind}s", b"\x00hunter2\n")
    assert (json.loads(body)["app"], json.loads(body)["labels"]) == ("shop", {"team": "web"})
    assert "hunter2" not in made.output


@pytest.mark.parametrize("words", [[], ["-"]])
def test_a_value_comes_from_stdin(okube: Okube, site: Site, words: list[str]) -> None:
    assert okube("secret", "rotate", "db", *words, stdin="hunter2").exit_code == 0
    assert (site.sent[-1][1], site.value()) == ("/v1/secrets/db/rotate", b"hunter2")


def test_an_empty_value_is_a_mistake_and_nothing_is_sent(okube: Okube, site: Site) -> None:
    refused = okube("secret", "create", "db", stdin="")
    assert (refused.exit_code, site.sent) == (2, [])
    assert "nothing was read from stdin" in refused.stderr


def test_a_value_that_is_too_long_is_not_sent(okube: Okube, site: Site, home: Path) -> None:
    (home / "value").write_bytes(b"x" * ((512 << 10) + 1))
    refused = okube("config", "create", "db", "value")
    assert (refused.exit_code, site.sent) == (2, [])
    assert "512 KiB" in refused.stderr


def test_a_file_that_is_not_there_is_told(okube: Okube, site: Site) -> None:
    refused = okube("secret", "create", "db", "no-such-file")
    assert (refused.exit_code, site.sent) == (2, [])
    assert "no-such-file cannot be read" in refused.stderr


def test_a_list_and_one_of_them(okube: Okube) -> None:
    assert okube("secret").stdout.splitlines()[1].split()[:2] == ["db", "2"]
    assert json.loads(okube("secret", "ls", "-o", "json").stdout) == [ROW]
    assert json.loads(okube("secret", "inspect", "db").stdout) == ROW


def test_a_config_is_printed_byte_for_byte(okube: Okube) -> None:
    assert okube("config", "show", "motd").stdout_bytes == b"\x00one\xff"


def test_what_is_not_there_is_refused_with_what_is(okube: Okube) -> None:
    refused = okube("secret", "rm", "absent")
    assert refused.exit_code == 1
    assert "there is no secret absent" in refused.stderr


def test_several_are_removed(okube: Okube, site: Site) -> None:
    assert okube("config", "rm", "one", "two").exit_code == 0
    assert [path for _, path, _ in site.sent] == ["/v1/configs/one", "/v1/configs/two"]
