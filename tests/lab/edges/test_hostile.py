"""Clients that mean no good, over real sockets: each gets its answer, and the cluster goes on for the others."""

import asyncio
import contextlib
import itertools
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import msgspec
import psutil
import pytest

from okube.model.commands import TaskReport
from okube.model.epoch import Epoch
from okube.model.wire import Heartbeat, HeartbeatAnswer, Registration, RegistrationAnswer
from okube.security.tokens import new_token, token_sha256
from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller, Reply, answer, vanish

_SLEEPER = {"image": "host", "command": ["sleep", "100000"], "stop": {"signal": "SIGKILL", "grace": 1}}
_HUNDRED_MEGABYTES = 100 << 20
_MSGPACK = "application/msgpack"


def _service(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, **_SLEEPER, **fields}


def test_a_body_of_100_megabytes_is_refused_and_never_held(cluster: Cluster, caller: Caller) -> None:
    pid = cluster.pid("m1")
    assert pid is not None
    before = psutil.Process(pid).memory_info().rss
    with caller.connected("m1") as connection:
        connection.sendall(caller.head("POST", "/v1/services", f"Content-Length: {_HUNDRED_MEGABYTES}"))
        assert answer(connection).kind == "too-large"
        with contextlib.suppress(OSError):
            for _ in range(_HUNDRED_MEGABYTES >> 16):
                connection.sendall(b" " * (1 << 16))
    with caller.connected("m1") as connection:
        connection.sendall(caller.head("POST", "/v1/services", "Transfer-Encoding: chunked"))
        with contextlib.suppress(OSError):
            for _ in range(64):
                connection.sendall(b"10000\r\n" + b" " * (1 << 16) + b"\r\n")
        assert answer(connection).kind == "too-large"
    assert psutil.Process(pid).memory_info().rss - before < _HUNDRED_MEGABYTES // 2


def test_ten_thousand_headers_are_refused(caller: Caller) -> None:
    many = [f"X-{number}: y" for number in range(10_000)]
    with caller.connected("m1") as connection:
        with contextlib.suppress(OSError):
            connection.sendall(caller.head("GET", "/v1/services", *many))
        refused = answer(connection)
    assert (refused.status, refused.kind) == (431, "too-large")


def test_a_client_that_never_ends_its_head_is_let_go(caller: Caller) -> None:
    with caller.connected("m1") as connection:
        connection.sendall(b"GET /v1/services HTTP/1.1\r\nHost: okube\r\n")
        refused = answer(connection)
        assert (refused.status, refused.kind) == (408, "too-slow")
        assert connection.recv(1) == b""


def test_while_many_are_slow_others_are_served(caller: Caller) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(caller.connected("m1"))
            connection.sendall(b"GET /v1/services HTTP/1.1\r\nX-")
        assert caller("m1", "GET", "/v1/services").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"services": ' + b"[" * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b'{"services": {"web": 1e400}}',
        b'{"services": {"web": ' + b"9" * 10_000 + b"}}",
        b'{"services": {"web": 1, "web": 2}}',
        b'{"services": {"\xff\xfe": 1}}',
        b'{"services": {"\\ud800": 1}}',
        b"\x00",
        b"",
    ],
    ids=["brackets", "nested", "overflow", "digits", "twice", "no-utf8", "surrogate", "nul", "empty"],
)
def test_json_that_is_no_good_is_malformed(caller: Caller, body: bytes) -> None:
    refused = caller("m2", "POST", "/v1/scale", body, media="application/json")
    assert (refused.status, refused.kind) == (400, "malformed")


def test_a_key_that_comes_again_with_another_body_is_refused_by_every_manager(caller: Caller) -> None:
    key = "Idempotency-Key: once-only"
    first = caller("m1", "POST", "/v1/services", _service("keyed", replicas=0), key)
    assert first.status == 201
    for manager in caller.ports:
        again = caller(manager, "POST", "/v1/services", _service("keyed", replicas=0), key)
        assert (again.status, again.body) == (201, first.body)
        other = caller(manager, "POST", "/v1/services", _service("other", replicas=0), key)
        assert (other.status, other.kind) == (422, "key-reused")
    assert caller("m1", "GET", "/v1/services/other").status == 404


def test_a_stale_if_match_changes_nothing(caller: Caller) -> None:
    made = caller("m1", "PUT", "/v1/services/matched", _service("matched", replicas=0)).json
    stale = f"If-Match: {made['revision'] - 1}"
    for manager in caller.ports:
        refused = caller(manager, "PUT", "/v1/services/matched", _service("matched", replicas=1), stale)
        assert (refused.status, refused.kind) == (409, "conflict")
    assert caller("m1", "GET", "/v1/services/matched").json["revision"] == made["revision"]


def test_a_continue_is_good_at_every_manager_and_for_its_own_list_alone(caller: Caller) -> None:
    for name in ("page-a", "page-b", "page-c"):
        caller("m1", "PUT", f"/v1/services/{name}", _service(name, replicas=0))
    token = caller("m1", "GET", "/v1/services?limit=1").headers["okube-continue"]
    pages = [caller(manager, "GET", f"/v1/services?continue={token}") for manager in caller.ports]
    assert {page.status for page in pages} == {200}
    assert len({page.body for page in pages}) == 1
    for target in ("/v1/tasks", "/v1/nodes", "/v1/services?app=shop"):
        joint = "&" if "?" in target else "?"
        refused = caller("m2", "GET", f"{target}{joint}continue={token}")
        assert (refused.status, refused.json["errors"][0]["path"]) == (422, "continue")


def test_clients_that_vanish_in_the_middle_of_a_stream_leave_nothing_open(cluster: Cluster, caller: Caller) -> None:
    for number in range(20):
        with caller.connected("m2") as connection:
            connection.sendall(caller.head("GET", "/v1/tasks?watch=true"))
            assert b" 200 " in connection.recv(65536).split(b"\r\n")[0]
            if number % 2:
                vanish(connection)
    cluster.wait(lambda: _streams(caller, "m2") == 0, "no stream is open any more")


def test_bytes_that_are_no_tls_and_no_http_end_that_connection_alone(caller: Caller) -> None:
    with caller.connected("m1") as connection:
        connection.sendall(b"\x16\x03\x01 is this a dream?\r\n\r\n")
        assert answer(connection).status == 400
    context = ssl.create_default_context()
    with pytest.raises(ssl.SSLError), caller.plain("m1") as plain:
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_one_client_that_floods_is_slowed_down_and_others_and_heartbeats_go_on(
    cluster: Cluster, caller: Caller
) -> None:
    leader, token = cluster.leader(), new_token()
    polite = {"name": "polite", "role": "viewer", "token_sha256": token_sha256(token)}
    assert caller(leader, "POST", "/v1/users", polite).status == 201
    before = _metric(caller, leader, "okube_agents_heartbeats_total")
    epoch, downs = cluster.json("status")["epoch"], cluster.logs().count("is down")
    counts: Counter[int] = Counter()
    others: Counter[int] = Counter()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(40):  # one flood may be over between two heartbeats, and is none on a busy machine
            flood = pool.submit(lambda: asyncio.run(_flood(caller, leader, clients=150, rounds=4)))
            while not flood.done():
                others[caller(leader, "GET", "/v1/services", token=token).status] += 1
            counts += flood.result()
            if counts[429] and _metric(caller, leader, "okube_agents_heartbeats_total") > before:
                break
    assert set(counts) <= {200, 429}, counts
    assert counts[200] and counts[429], counts
    assert set(others) == {200}, others
    nodes = caller(leader, "GET", "/v1/nodes").json
    assert {node["state"] for node in nodes} == {"ready"}
    assert _metric(caller, leader, "okube_agents_heartbeats_total") > before
    assert _metric(caller, leader, 'okube_api_refused_total{reason="requests-of-client"}') > 0
    assert cluster.logs().count("is down") == downs
    assert cluster.json("status")["epoch"] == epoch


def test_a_worker_s_word_counts_for_its_own_tasks_alone(cluster: Cluster, caller: Caller) -> None:
    """It reports tasks that nobody gave it, with an old epoch, from the future, and twice."""
    caller("m1", "PUT", "/v1/services/honest", _service("honest", replicas=4))
    cluster.wait(lambda: len(cluster.ready("honest")) == 4, "four tasks run")
    victims = [task for task in cluster.ready("honest") if task["node"] != "w3"]
    agent = _Impostor(caller, cluster)
    lies = [
        TaskReport(victims[0]["id"], "failed", reason="exit-code", exit_code=1, ended_ms=253_402_300_799_999),
        TaskReport("nobodys-task", "running", ready=True),
        TaskReport(victims[0]["id"], "failed", reason="exit-code", exit_code=1, ended_ms=253_402_300_799_999),
    ]
    assert agent.register().accepted
    for epoch in (Epoch(0, 0), Epoch(9, 9)):
        for _ in range(2):  # the same words again change nothing
            assert agent.beat(lies, epoch=epoch).status == 200
    said_again = agent.beat([], epoch=Epoch(1, 1), sequence=1)
    assert (said_again.status, said_again.kind) == (409, "conflict")
    too_late = agent.beat_raw({"ended_ms": 1 << 60})
    assert (too_late.status, too_late.kind) == (400, "malformed")
    assert agent.beat_as("w1").status == 403
    honest = {task["id"]: task for task in cluster.tasks("honest")}
    for victim in victims:
        assert honest[victim["id"]]["state"] == "running"
    assert caller("m1", "GET", "/v1/tasks/nobodys-task").status == 404
    for target in ("/v1/services", "/v1/status", "/metrics", "/openapi.json"):
        assert caller("m1", "GET", target, role="w3").status == 403
    cluster.ok("up", "-d")
    cluster.wait(cluster.complete, "the real agent is back")


@pytest.mark.parametrize("what", ["register", "heartbeat"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x9a" * 1000,
        b"\x91" * 100_000 + b"\xc0",
        b"{}",
        msgspec.msgpack.encode(["w1"] * 30),
        b"\x9a\xa1\xff",
    ],
    ids=["empty", "never-used", "cut-off", "nested", "json", "wrong-types", "no-utf8"],
)
def test_an_agent_that_speaks_nonsense_is_told_so(caller: Caller, what: str, body: bytes) -> None:
    for manager in caller.ports:
        refused = caller(manager, "POST", f"/v1/agents/w1/{what}", body, role="w1", media=_MSGPACK)
        assert (refused.status, refused.kind) == (400, "malformed")


class _Impostor:
    """Whoever has the certificate of w3, whose own agent is dead."""

    def __init__(self, caller: Caller, cluster: Cluster) -> None:
        self._caller = caller
        self._node = caller("m1", "GET", "/v1/nodes/w3").json
        self._sequence = itertools.count(1)
        cluster.kill("w3")

    def register(self) -> RegistrationAnswer:
        node = self._node
        said = Registration(
            "w3", node["id"], node["address"], {}, "", 1.0, 1 << 30, 1 << 30, node["runtime"], node["software"], "lies"
        )
        reply = self._post("register", said)
        assert reply.status == 200, reply.body
        return msgspec.msgpack.decode(reply.body, type=RegistrationAnswer)

    def beat(self, reports: list[TaskReport], *, epoch: Epoch, sequence: int | None = None) -> Reply:
        number = next(self._sequence) if sequence is None else sequence
        said = Heartbeat("w3", self._node["id"], epoch, 0, tuple(reports), run="lies", sequence=number)
        reply = self._post("heartbeat", said)
        if reply.status == 200:
            msgspec.msgpack.decode(reply.body, type=HeartbeatAnswer)
        return reply

    def beat_raw(self, fields: dict[str, Any]) -> Reply:
        """A report that no agent of ours could make."""
        report = msgspec.structs.replace(TaskReport("x", "failed"), **fields)
        return self.beat([report], epoch=Epoch(1, 1))

    def beat_as(self, node: str) -> Reply:
        said = Heartbeat(node, self._node["id"], Epoch(1, 1), 0)
        return self._post("heartbeat", said, node=node)

    def _post(self, what: str, said: msgspec.Struct, node: str = "w3") -> Reply:
        body = msgspec.msgpack.encode(said)
        return self._caller("m1", "POST", f"/v1/agents/{node}/{what}", body, role="w3", media=_MSGPACK)


async def _flood(caller: Caller, manager: str, *, clients: int, rounds: int) -> Counter[int]:
    """Many connections of one client that ask without a pause."""
    context = ssl.create_default_context(cafile=str(caller.admin / "ca.crt"))
    counts: Counter[int] = Counter()

    async def one(session: aiohttp.ClientSession) -> None:
        for _ in range(rounds):
            async with session.get(f"{caller.url(manager)}/v1/tasks", headers=headers) as response:
                await response.read()
                counts[response.status] += 1

    headers = {"Authorization": f"Bearer {caller.token}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=context)) as session:
        await asyncio.gather(*(one(session) for _ in range(clients)))
    return counts


def _metrics(caller: Caller, manager: str) -> dict[str, float]:
    lines = caller(manager, "GET", "/metrics").body.decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def _metric(caller: Caller, manager: str, name: str) -> float:
    return _metrics(caller, manager)[name]


def _streams(caller: Caller, manager: str) -> float:
    return sum(value for name, value in _metrics(caller, manager).items() if name.startswith("okube_api_streams"))
