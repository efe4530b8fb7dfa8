"""``okube quota``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from okube.model.quantities import parse_bytes
from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply, problem


def a_quota(kind: str, name: str, limits: dict[str, Any], over: tuple[str, ...] = ()) -> dict[str, Any]:
    named = {key: count for key, count in limits.items() if key not in ("cpus", "memory", "disk", "tasks", "services")}
    usual = {key: limits.get(key) for key in ("cpus", "memory", "disk", "tasks", "services")}
    usual["memory"] = parse_bytes(limits["memory"]) if "memory" in limits else None
    used = {"cpus": 2.5, "memory": 3 << 30, "disk": 0, "tasks": 4, "services": 1, "named": {"gpu": 1}}
    return {
        "kind": kind,
        "name": name,
        "limits": {**usual, "named": named},
        "used": used,
        "over": list(over),
        "changed_by": "admin",
        "changed_at": None,
        "revision": 7,
    }


class Site:
    """A manager that keeps quotas as they are set; one whose limit of tasks is below 4 is gone beyond."""

    def __init__(self) -> None:
        self.quotas: dict[str, dict[str, Any]] = {}
        self.written: list[tuple[str, str, Any, str | None]] = []
        self.conflicts = 0

    def __call__(self, received: Received) -> Reply:
        owner = received.path.removeprefix("/v1/quotas").strip("/")
        if received.method == "GET" and not owner:
            return Reply(200, list(self.quotas.values()))
        if received.method == "GET" or (received.method == "DELETE" and owner not in self.quotas):
            found = self.quotas.get(owner)
            return Reply(200, found) if found else problem(404, "not-found", f"{owner.replace('/', ' ')} has no quota")
        body: Any = json.loads(received.body) if received.body else None
        self.written.append((received.method, owner, body, received.headers.get("if-match")))
        if received.method == "DELETE":
            return Reply(200, self.quotas.pop(owner))
        if self.conflicts:
            self.conflicts -= 1
            return problem(409, "conflict", "the quota is at revision 8, not 7: read it again and retry")
        over = ("tasks: 4 of 2",) if body.get("tasks", 9) < 4 else ()
        kind, name = owner.split("/")
        self.quotas[owner] = a_quota(kind, name, body, over)
        return Reply(200, self.quotas[owner])


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager], site: Site) -> Okube:
    describe(play(site))
    return run_okube


def test_what_is_given_is_set_and_the_rest_stays(okube: Okube, site: Site) -> None:
    assert okube("quota", "set", "app:shop", "--cpus", "8", "--memory", "16G", "--resource", "gpu=2").exit_code == 0
    changed = okube("quota", "set", "app:shop", "--tasks", "100", "--memory", "none", "--resource", "gpu=3")
    assert changed.exit_code == 0
    assert site.written == [
        ("PUT", "app/shop", {"cpus": 8, "memory": "16G", "gpu": 2}, None),
        ("PUT", "app/shop", {"gpu": 3, "cpus": 8, "tasks": 100}, "7"),
    ]
    assert changed.stdout.split() == ["QUOTA", "CPUS", "TASKS", "NAMED", "app:shop", "2.5/8", "4/100", "gpu", "1/3"]


def test_what_somebody_else_changes_meanwhile_is_looked_at_again(okube: Okube, site: Site) -> None:
    site.quotas["app/shop"] = a_quota("app", "shop", {"tasks": 9})
    site.conflicts = 1
    assert okube("quota", "set", "app:shop", "--services", "3").exit_code == 0
    assert site.written[-1][2] == {"tasks": 9, "services": 3}
    site.conflicts = 9
    assert okube("quota", "set", "app:shop", "--services", "4").exit_code == 1


def test_a_quota_below_what_is_asked_for_already_is_said_by_each_command(okube: Okube) -> None:
    sentence = "app shop asks for more than its quota: tasks: 4 of 2; nothing is stopped for that, and nothing "
    sentence += "more is let in\n"
    assert okube("quota", "set", "app:shop", "--tasks", "2").stderr == sentence
    for command in (["quota"], ["quota", "list"], ["quota", "show", "app:shop"]):
        result = okube(*command)
        assert (result.exit_code, result.stderr) == (0, sentence)
        assert result.stdout.split() == ["QUOTA", "TASKS", "app:shop", "4/2"]
    assert json.loads(okube("quota", "show", "app:shop", "-o", "json").stdout)["over"] == ["tasks: 4 of 2"]


def test_quotas_are_removed_and_one_that_is_not_there_is_told(okube: Okube, site: Site) -> None:
    site.quotas["user/alice"] = a_quota("user", "alice", {"tasks": 9})
    assert okube("quota", "rm", "user:alice").stdout.split() == ["QUOTA", "ACTION", "user:alice", "removed"]
    missing = okube("quota", "rm", "user:alice")
    assert (missing.exit_code, missing.stderr) == (1, "okube: user alice has no quota\n")
    assert okube("quota").stderr == "no quotas\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["set", "shop", "--tasks", "1"], "'shop' is nobody's quota: write app:NAME or user:NAME"),
        (["set", "app:", "--tasks", "1"], "'app:' is nobody's quota"),
        (["set", "app:shop"], "nothing says what is limited: give --cpus, --memory"),
        (["set", "app:shop", "--resource", "gpu"], "--resource 'gpu' is no amount: write it as gpu=2, or gpu=none"),
        (["remove", "app:shop"], "did you mean `okube quota rm`?"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(
    okube: Okube, site: Site, words: list[str], sentence: str
) -> None:
    result = okube("quota", *words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert site.written == []
