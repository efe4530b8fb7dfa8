"""A worker that is taken over: with its certificate in hand, what ``docs/security.md`` says is open, and no more."""

import re
from pathlib import Path

import msgspec
import pytest

from okube.manager.api.routes import ROUTES
from okube.model.wire import Registration, RegistrationAnswer
from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller, Reply
from tests.lab.edges.papers import Papers

_PAGE = Path(__file__).parents[3] / "docs" / "security.md"
_ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \|", re.MULTILINE)
_SLEEPER = {"image": "host", "command": ["sleep", "100000"], "stop": {"signal": "SIGKILL", "grace": 1}}


@pytest.fixture
def papers(cluster: Cluster, tmp_path: Path) -> Papers:
    return Papers(cluster, tmp_path)


def _told() -> set[tuple[str, str]]:
    page = _PAGE.read_text(encoding="utf-8")
    _, _, section = page.partition("\n## What a worker that is taken over can do\n")
    return {(found[1], found[2]) for found in _ROW.finditer(section.partition("\n## ")[0])}


def _open_to(caller: Caller, manager: str, node: str) -> set[tuple[str, str]]:
    """The routes at which the certificate of w1 gets further than to a refusal, when it names that node."""
    found: set[tuple[str, str]] = set()
    for route in ROUTES:
        path = re.sub(r"{\w+}", "nothing", route.path.replace("{node}", node))
        body = b"" if route.method in ("POST", "PUT", "PATCH") else None
        reply = caller(manager, route.method, path, body, role="w1", token=None)
        if reply.status not in (401, 403):
            found.add((route.method, route.path))
    return found


def test_the_page_tells_of_each_call_that_is_open_to_it(caller: Caller) -> None:
    assert _open_to(caller, "m2", "w1") == _told()


def test_in_the_name_of_another_node_nothing_is_open_but_what_is_to_anyone(caller: Caller) -> None:
    anyone = {(route.method, route.path) for route in ROUTES if route.role == "anyone"}
    assert _open_to(caller, "m1", "w2") == anyone


def test_a_path_that_is_not_there_is_refused_as_well(caller: Caller) -> None:
    for path in ("/", "/v2", "/v1/agents/w1/anything", "/v1/agents/w1/register/../../w2/register"):
        assert caller("m1", "GET", path, role="w1", token=None).status == 403


@pytest.mark.parametrize("kind", ["secret", "config"])
def test_what_a_task_on_another_node_is_given_is_not_for_it(
    cluster: Cluster, caller: Caller, papers: Papers, kind: str
) -> None:
    name = f"elsewhere-{kind}"
    made = caller("m1", "POST", f"/v1/{kind}s", {"name": name, "value": "aGlkZGVu"})
    assert made.status == 201, made.body
    spec = {"name": f"uses-{kind}", **_SLEEPER, f"{kind}s": [name], "constraints": ["node.zone == rack-w2"]}
    assert caller("m1", "PUT", f"/v1/services/uses-{kind}", spec).status in (200, 201)
    cluster.wait(lambda: len(cluster.ready(f"uses-{kind}")) == 1, "the task runs")
    path = f"/v1/agents/{{}}/{kind}s/{name}/1"
    assert caller("m1", "GET", path.format("w2"), role="w2", token=None).body == b"hidden"
    assert caller("m1", "GET", path.format("w1"), role="w1", token=None).status == 404
    assert caller("m1", "GET", path.format("w2"), role="w1", token=None).status == 403
    former = papers.of("worker", "w2", "an-instance-that-was-wiped")
    assert caller("m1", "GET", path.format("w2"), papers=former, token=None).status == 403
    assert caller("m1", "DELETE", f"/v1/services/uses-{kind}").status == 200


def test_a_node_that_is_barred_is_let_in_nowhere_any_more(cluster: Cluster, caller: Caller, papers: Papers) -> None:
    certificate = papers.of("worker", "w9", "instance-of-w9")
    size = 1 << 30
    said = Registration("w9", "instance-of-w9", "127.0.0.1:9", {}, "", 1.0, size, size, "process", "1", "run")

    def register(name: str) -> Reply:
        body = msgspec.msgpack.encode(msgspec.structs.replace(said, node=name))
        target = f"/v1/agents/{name}/register"
        return caller("m1", "POST", target, body, media="application/msgpack", papers=certificate, token=None)

    assert msgspec.msgpack.decode(register("w9").body, type=RegistrationAnswer).accepted
    assert caller("m1", "GET", "/v1/nodes/w9").json["state"] == "ready"
    assert cluster.ok("nodes", "rm", "--bar", "w9").status == 0
    for manager in caller.ports:
        cluster.wait(lambda manager=manager: caller(manager, "GET", "/readyz").status == 200, "it has caught up")  # type: ignore[misc]
        refused = caller(manager, "POST", "/v1/agents/w9/heartbeat", b"", papers=certificate, token=None)
        assert (refused.status, "for good" in refused.json["detail"]) == (401, True)
    assert register("w9").status == 401
    assert caller("m1", "GET", "/v1/nodes/w9").status == 404
