"""``okube keyring`` and ``okube unlock``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply

RING = {
    "unlock_key": "c0ffee",
    "autolock": False,
    "keys": [{"id": "k1", "created_at": "2026-01-31T12:00:00.000Z", "seals": True, "values": 3}],
}


class Site:
    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.missing: list[str] = []

    def __call__(self, received: Received) -> Reply:
        if received.method == "POST":
            self.sent.append((received.path, received.body))
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
    assert okube("keyring", "unlock-key", "--rotate").stdout == "okube-unlock-abc\n"
    assert site.sent == [("/v1/keyring/unlock-key", b'{"autolock":null}')]


def test_who_turns_autolock_on_is_given_the_key_to_keep(okube: Okube, site: Site) -> None:
    on = okube("keyring", "autolock", "on")
    assert on.stdout == "okube-unlock-abc\n"
    assert "keep this key" in on.stderr
    okube("keyring", "autolock", "off")
    assert [body for _, body in site.sent] == [b'{"autolock":true}', b'{"autolock":false}']


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
