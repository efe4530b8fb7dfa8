"""What a manager does not take: too much, too slowly, too often, or what it cannot read. It says so, and goes on."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from okube.manager.api.gate import Gate, Limits
from okube.manager.api.strict_json import read_object
from okube.model.errors import Malformed, SlowDown
from okube.model.views import Problem
from tests.unit.manager.conftest import TOKEN, Answer, Api

WEB = {"name": "web", "image": "example/web:1"}
AUTH = f"Authorization: Bearer {TOKEN}\r\n".encode()


@pytest.fixture
def limits() -> Limits:
    return Limits(connections=12, connections_of_address=8, requests_of_client=2, head_s=0.3, body_s=0.6, pause_s=0.2)


class Raw:
    """One connection, spoken to in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], Problem]:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await self.reader.readexactly(int(headers["content-length"]))
        assert headers["content-type"].startswith("application/problem+json")
        return int(head[0].split(" ")[1]), headers, msgspec.json.decode(body, type=Problem)


@contextlib.asynccontextmanager
async def _connected(api: Api) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _asked(api: Api, data: bytes) -> tuple[int, dict[str, str], Problem]:
    async with _connected(api) as raw:
        await raw.send(data)
        return await raw.answer()


def _kind(problem: Problem) -> str:
    return problem.type.rpartition(":")[2]


async def _still_serves(api: Api) -> None:
    """It answers again, once the places of what was refused are free."""
    await _until(lambda: not api.gate.requests)
    assert (await api("GET", "/v1/services")).status == 200


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def test_a_body_of_100_megabytes_is_refused_before_it_is_sent(api: Api) -> None:
    head = b"POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n" + AUTH + b"\r\n"
    status, headers, problem = await _asked(api, head)
    assert (status, _kind(problem), headers["connection"]) == (413, "too-large", "close")
    await _still_serves(api)


async def test_who_is_not_known_hears_so_after_a_pause(api: Api, limits: Limits) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await api("GET", "/v1/services", token="of-nobody")
    assert answer.status == 401
    assert loop.time() - began >= limits.pause_s


async def test_a_body_that_does_not_say_how_large_it_is_is_refused_as_it_comes(api: Api) -> None:
    head = b"POST /v1/services HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + AUTH + b"\r\n"
    async with _connected(api) as raw:
        await raw.send(head)
        for _ in range(40):
            await raw.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        status, _, problem = await raw.answer()
    assert (status, _kind(problem)) == (413, "too-large")
    await _still_serves(api)


async def test_a_body_that_grows_as_it_is_unpacked_is_refused(api: Api) -> None:
    packed = gzip.compress(b" " * (100 << 20))
    answer = await api("POST", "/v1/services", raw=packed, Content_Type="application/json", Content_Encoding="gzip")
    assert (len(packed) < 1 << 20, answer.status) == (True, 413)
    await _still_serves(api)


async def test_ten_thousand_headers_are_refused(api: Api) -> None:
    many = b"".join(b"X-%d: y\r\n" % n for n in range(10_000))
    status, _, problem = await _asked(api, b"GET /v1/services HTTP/1.1\r\nHost: x\r\n" + AUTH + many + b"\r\n")
    assert (status, _kind(problem)) == (431, "too-large")


async def test_a_header_that_is_too_long_is_refused(api: Api) -> None:
    long = b"X-Long: " + b"y" * 20_000 + b"\r\n"
    status, _, problem = await _asked(api, b"GET /v1/services HTTP/1.1\r\nHost: x\r\n" + AUTH + long + b"\r\n")
    assert (status, _kind(problem)) == (431, "too-large")


async def test_a_request_line_that_is_too_long_is_refused(api: Api) -> None:
    status, _, problem = await _asked(api, b"GET /v1/services?app=" + b"y" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, _kind(problem)) == (431, "too-large")


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"HELLO\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"],
)
async def test_what_is_no_http_is_a_problem_and_no_trace(
    api: Api, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    status, _, problem = await _asked(api, data)
    assert (status, _kind(problem)) == (400, "malformed")
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_head_that_does_not_end_in_time_is_refused(api: Api) -> None:
    status, _, problem = await _asked(api, b"GET /v1/services HTTP/1.1\r\nHost: x\r\n")
    assert (status, _kind(problem)) == (408, "too-slow")


async def test_a_head_that_drips_is_refused_all_the_same(api: Api) -> None:
    async with _connected(api) as raw:
        await raw.send(b"GET /v1/services HTTP/1.1\r\n")
        answer = asyncio.ensure_future(raw.answer())
        while not answer.done():
            await raw.send(b"X: y\r\n")
            await asyncio.sleep(0.05)
        assert answer.result()[0] == 408


async def test_a_body_that_does_not_come_in_time_is_refused(api: Api) -> None:
    head = b"POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n" + AUTH + b"\r\n{"
    status, _, problem = await _asked(api, head)
    assert (status, _kind(problem)) == (408, "too-slow")


async def test_one_client_has_so_many_requests_under_way_and_no_more(api: Api) -> None:
    slow = b"POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n" + AUTH + b"\r\n{"
    async with _connected(api) as first, _connected(api) as second:
        await first.send(slow)
        await second.send(slow)
        await _until(lambda: api.gate.requests == 2)
        refused = await api("GET", "/v1/services")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert refused.body["type"].endswith("slow-down")
        assert (await api("GET", "/healthz", token=None)).status == 200
    await _still_serves(api)
    assert api.gate.refused["requests-of-client"] >= 1


async def test_so_many_connections_of_one_address_and_no_more(api: Api) -> None:
    async with contextlib.AsyncExitStack() as stack:
        held = [await stack.enter_async_context(_connected(api)) for _ in range(9)]
        answers = [asyncio.ensure_future(raw.answer()) for raw in held]
        done, pending = await asyncio.wait(answers, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert 429 in {answer.result()[0] for answer in done}
        for answer in pending:
            answer.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
    await _still_serves(api)


async def test_clients_that_vanish_leave_no_place_taken(api: Api) -> None:
    for _ in range(5):
        async with _connected(api) as raw:
            await raw.send(b"POST /v1/services HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n" + AUTH + b"\r\n{")
    await _still_serves(api)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"name": "a", "name": "b", "image": "x"}', "twice"),
        (b'{"name": "\xff", "image": "x"}', "utf-8"),
        (b'{"name": "\\ud800", "image": "x"}', "not JSON"),
        (b'{"name": NaN}', "not JSON"),
        (b'{"replicas": 1e999}', "not JSON"),
        (b'{"env": ' + b'{"a":' * 80 + b"1" + b"}" * 80 + b"}", "64 deep"),
        (b'{"a": ' + b"[" * 100_000, "64 deep"),
    ],
)
def test_json_that_readers_understand_in_different_ways_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_object(raw)


def test_brackets_in_texts_are_no_nesting() -> None:
    text = "[{" * 500 + '"\\'
    assert read_object(msgspec.json.encode({"a": text, "b": [text]})) == {"a": text, "b": [text]}


def test_a_large_body_is_read_like_a_small_one() -> None:
    body = {"services": [{"name": f"s{n}", "image": "x"} for n in range(5000)]}
    assert read_object(msgspec.json.encode(body)) == body


@pytest.mark.parametrize(
    "kind", ["application/xml", "text/plain", "multipart/form-data", "application/json; charset=utf-16"]
)
async def test_a_media_type_that_is_not_read_is_415(api: Api, kind: str) -> None:
    answer = await api("POST", "/v1/services", raw=msgspec.json.encode(WEB), Content_Type=kind)
    assert (answer.status, answer.body["type"]) == (415, "urn:okube:error:unknown-media-type")


async def test_a_wrong_method_is_answered_with_those_that_are_right(api: Api) -> None:
    answer = await api("PATCH", "/v1/services/web")
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(",")) == {"DELETE", "GET", "HEAD", "PUT"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limt=3", ("limt", "limit")),
        ("nod=w1", ("nod", "node")),
        ("watsch=true", ("unknown parameter",)),
        ("limit=3&limit=4", ("given twice",)),
    ],
)
async def test_a_parameter_that_is_unknown_is_refused_with_the_likely_meant_one(
    api: Api, query: str, words: tuple[str, ...]
) -> None:
    answer = await api("GET", f"/v1/tasks?{query}")
    assert answer.status == 422
    for word in words:
        assert word in answer.body["detail"]


async def test_a_parameter_may_be_repeated_where_that_means_something(api: Api) -> None:
    assert (await api("GET", "/v1/tasks?state=running&state=failed")).status == 200


async def _pages(api: Api, path: str) -> Answer:
    for name in ("a", "b", "c"):
        await api("PUT", f"/v1/services/{name}", {"name": name, "image": "x", "replicas": 0})
    return await api("GET", path)


async def test_pages_go_on_where_the_one_before_ended(api: Api) -> None:
    first = await _pages(api, "/v1/services?limit=2")
    second = await api("GET", f"/v1/services?limit=2&continue={first.headers['Okube-Continue']}")
    assert [s["name"] for s in first.body + second.body] == ["a", "b", "c"]
    assert "Okube-Continue" not in second.headers


@pytest.mark.parametrize("token", ["garbage", "AAAA", "kwHEAAA", "%00", "web%20000001"])
async def test_a_continue_that_no_list_gave_is_refused(api: Api, token: str) -> None:
    answer = await api("GET", f"/v1/tasks?continue={token}")
    assert answer.status == 422
    assert answer.body["errors"][0]["path"] == "continue"


async def test_a_continue_of_another_list_or_of_other_filters_is_refused(api: Api) -> None:
    token = (await _pages(api, "/v1/services?limit=1")).headers["Okube-Continue"]
    for path in ("/v1/nodes?", "/v1/tasks?", "/v1/services?app=shop&"):
        answer = await api("GET", f"{path}continue={token}")
        assert (answer.status, answer.body["errors"][0]["path"]) == (422, "continue"), path


def test_a_gate_counts_down_what_left_and_only_once() -> None:
    gate = Gate(Limits(requests=2, bodies_bytes=100))
    first = gate.enter("a", 60)
    with pytest.raises(SlowDown):
        gate.enter("b", 60)
    first.leave()
    first.leave()
    second, third = gate.enter("b", 60), gate.enter("c", 0)
    with pytest.raises(SlowDown):
        gate.enter("d", 0)
    second.leave()
    third.leave()
    assert (gate.requests, sum(gate.refused.values())) == (0, 2)


def test_an_agent_has_limits_of_its_own_and_takes_nothing_from_others() -> None:
    gate = Gate(Limits(connections=1, connections_of_agent=2, requests=1, requests_of_agent=1))
    assert [gate.connect_agent("w1") for _ in range(3)] == [True, True, False]
    assert gate.connect_agent("w2")
    gate.disconnect_agent("w1")
    assert gate.connect_agent("w1")
    assert gate.connect("192.0.2.1")
    with gate.agent("w1"), gate.agent("w2"):
        gate.enter("a", 0)
        with pytest.raises(SlowDown, match="of w1 are under way"), gate.agent("w1"):
            pass
    with gate.agent("w1"):
        assert gate.refused == {"connections-of-agent": 1, "requests-of-agent": 1}
