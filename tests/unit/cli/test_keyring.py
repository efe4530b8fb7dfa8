"""``okube keyring`` and ``okube unlock``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply, problem

RING = {
    "unlock_key": "c0ffee",
    "autolock": False,
    "keys": [{"id": "k1", "created_at": "2026-01-31T12:00:00.000Z", "seals": True, "values": 3}],
}


class Site:
    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.missing: list[str] = []
        self.refuses = False

    def __call__(self, received: Received) -> Reply:
        if received.method == "POST":
            self.sent.append((received.path, received.body))
        if self.refuses and received.method == "POST":
            return problem(409, "locked", "this manager is locked")
        if received.path == "/v1/unlock":
            return Reply(200, {"unlocked": ["m1"], "missing": self.missing})
        if received.method == "GET" and received.path == "/v1/keyring/unlock-key":
            return Reply(200, {"id": "c0ffee", "key": "okube-unlock-abc"})
        return Reply(200, RING)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    describe(play(site))
    return run_okube


def test_the_ring_is_shown_for_people_and_scripts(okube: Okube) -> None:
    shown = okube("keyring").stdout
    assert "unlock key  c0ffee" in shown
    assert shown.splitlines()[-1].split()[:3] == ["k1", "yes", "3"]
    assert json.loads(okube("keyring", "-o", "json").stdout) == RING


def test_a_rotation_asks_for_a_new_data_key(okube: Okube, site: Site) -> None:
    assert okube("keyring", "rotate").exit_code == 0
    assert [path for path, _ in site.sent] == ["/v1/keyring/rotate"]


def test_the_unlock_key_is_all_that_is_printed(okube: Okube, site: Site) -> None:
    assert okube("keyring", "unlock-key").stdout == "okube-unlock-abc\n"
    assert site.sent == []


def test_who_changes_the_unlock_key_has_the_new_one(okube: Okube, site: Site) -> None:
    printed = okube("keyring", "unlock-key", "--rotate").stdout
    assert printed.startswith("okube-unlock-")
    ((path, body),) = site.sent
    assert (path, json.loads(body)) == ("/v1/keyring/unlock-key", {"autolock": None, "key": printed.strip()})
    shown = json.loads(okube("keyring", "unlock-key", "--rotate", "-o", "json").stdout)
    assert shown == {"id": "c0ffee", "key": json.loads(site.sent[-1][1])["key"]}


def test_who_turns_autolock_on_is_given_the_key_before_it_is_in_use(okube: Okube, site: Site) -> None:
    site.refuses = True
    failed = okube("keyring", "autolock", "on")
    assert failed.exit_code == 1
    assert failed.stdout.startswith("okube-unlock-")
    assert "may not have come into use" in failed.stderr
    site.refuses = False
    on = okube("keyring", "autolock", "on")
    assert "keep this key" in on.stderr
    assert "has the CA's key too" in on.stderr
    assert json.loads(site.sent[-1][1]) == {"autolock": True, "key": on.stdout.strip()}
    okube("keyring", "autolock", "off")
    assert json.loads(site.sent[-1][1])["autolock"] is False


def test_managers_are_unlocked_with_what_comes_from_stdin(okube: Okube, site: Site) -> None:
    done = okube("unlock", stdin="okube-unlock-abc\n")
    assert (done.exit_code, done.stdout) == (0, "unlocked: m1\n")
    assert json.loads(site.sent[-1][1]) == {"key": "okube-unlock-abc"}
    site.missing = ["m2"]
    some = okube("unlock", stdin="okube-unlock-abc\n")
    assert some.exit_code == 1
    assert "m2 did not take it" in some.stderr


def test_nothing_on_stdin_is_a_mistake(okube: Okube, site: Site) -> None:
    assert okube("unlock", stdin="").exit_code == 2
    assert site.sent == []
