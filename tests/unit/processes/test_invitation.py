"""The talk of a machine that joins, with real servers over TLS: the cluster, another one, or nothing of the kind."""

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from okube.model.errors import Conflict, Unauthorized
from okube.model.jointoken import JoinAnswer, JoinRequest
from okube.processes.invitation import Cluster, Host, Impatient, ask_to_join, find_cluster
from okube.security import Identity, TlsFiles, server_context
from okube.security.ca import Authority, create_ca
from okube.security.issue import install
from okube.security.jointokens import JoinToken, fingerprint_of, new_secret
from tests.unit.processes.builders import free_ports

NOW_MS = time.time_ns() // 1_000_000
DAY_MS = 86_400_000
Reply = tuple[int, Any]
Behaviour = Callable[[str, bytes], Reply]
NO_LEADER: Reply = (503, {"type": "urn:okube:error:no-quorum", "detail": "there is no leader now"})


class Server:
    """A manager of a cluster whose CA is new; it takes note of all that it is told."""

    def __init__(self, folder: Path, *, certified_ms: int = NOW_MS, others: bytes = b"") -> None:
        self.authority: Authority = create_ca("lab", "c1", now_ms=NOW_MS - 2 * DAY_MS)
        self.told: list[tuple[str, str, bytes]] = []
        self.behave: Behaviour = self.let_in
        self._others = others
        self._tls = TlsFiles(folder / "tls")
        install(self.authority, Identity("c1", "manager", "m1"), self._tls, now_ms=certified_ms)
        (self.port,) = free_ports(1)
        self._server: ThreadingHTTPServer | None = None

    @property
    def place(self) -> Host:
        return ("127.0.0.1", self.port)

    @property
    def pem(self) -> str:
        return self.authority.certificate_pem.decode()

    def token(self) -> JoinToken:
        return JoinToken("k3v9xk3v9xk3", new_secret(), fingerprint_of(self.pem), "worker")

    def authority_told(self) -> Reply:
        return (200, {"ca": self._others.decode() + self.pem})

    def let_in(self, method: str, body: bytes) -> Reply:
        return self.authority_told() if method == "GET" else (200, msgspec.to_builtins(an_answer()))

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.told.append((self.command, self.path, body))
                status, said = outer.behave(self.command, body)
                data = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _serve  # noqa: N815  the names that http.server calls

            def log_message(self, *args: Any) -> None: ...

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None: ...

        self._server = Quiet(self.place, Handler)
        context: ssl.SSLContext = server_context(self._tls.root, client_certificate="optional")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def an_answer() -> JoinAnswer:
    return JoinAnswer(
        cluster="lab",
        cluster_id="c1",
        incarnation=1,
        certificate="",
        ca="",
        managers=(),
        index=3,
        heartbeat_s=1.0,
        node_down_after_s=3.0,
        election_s=0.5,
    )


def a_request(token: JoinToken) -> JoinRequest:
    return JoinRequest(
        token=token.id,
        secret=token.secret,
        role="worker",
        name="w7",
        instance="i-w7",
        address="192.0.2.7:7201",
        csr="",
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "ours")
    made.start()
    yield made
    made.stop()


def find(token: JoinToken, *places: Host, timeout_s: float = 0.2) -> Cluster:
    return find_cluster(token, places, timeout_s=timeout_s, say=lambda _: None)


def ask(token: JoinToken, cluster: Cluster, *places: Host, timeout_s: float = 0.2) -> JoinAnswer:
    return ask_to_join(cluster, a_request(token), places, timeout_s=timeout_s, say=lambda _: None)


def test_a_machine_finds_its_cluster_and_is_let_in(server: Server) -> None:
    token = server.token()
    cluster = find(token, server.place)
    assert (cluster.manager, cluster.local_host) == (server.place, "127.0.0.1")
    assert ask(token, cluster, server.place) == an_answer()
    assert [(method, path) for method, path, _ in server.told] == [("GET", "/v1/join"), ("POST", "/v1/join")]


def test_before_it_knows_the_cluster_it_says_nothing(server: Server) -> None:
    token = server.token()
    find(token, server.place)
    assert server.told == [("GET", "/v1/join", b"")]


def test_another_cluster_is_refused_and_never_hears_the_token(server: Server, tmp_path: Path) -> None:
    other = Server(tmp_path / "theirs")
    with pytest.raises(Unauthorized, match="is not the one that made this token"):
        find(other.token(), server.place)
    assert [method for method, _, _ in server.told] == ["GET"]


def test_one_that_shows_the_right_ca_and_has_no_certificate_of_it_never_hears_the_token(tmp_path: Path) -> None:
    ours = Server(tmp_path / "ours")
    impostor = Server(tmp_path / "theirs", others=ours.authority.certificate_pem)
    impostor.start()
    try:
        token = ours.token()
        cluster = find(token, impostor.place)
        with pytest.raises(Unauthorized, match="the token was not shown to it"):
            ask(token, cluster, impostor.place)
        assert [method for method, _, _ in impostor.told] == ["GET"]
    finally:
        impostor.stop()


def test_of_two_cas_that_a_cluster_has_for_a_while_the_one_of_the_token_counts(server: Server, tmp_path: Path) -> None:
    both = Server(tmp_path / "both", others=server.authority.certificate_pem)
    both.start()
    try:
        assert find(both.token(), both.place).ca.strip() == both.pem.strip()
    finally:
        both.stop()


def test_a_certificate_that_is_not_valid_now_makes_it_ask_for_the_clock(tmp_path: Path) -> None:
    ahead = Server(tmp_path / "ahead", certified_ms=NOW_MS + 2 * DAY_MS)
    ahead.start()
    try:
        token = ahead.token()
        with pytest.raises(Unauthorized, match=r"not yet valid.*clock"):
            ask(token, find(token, ahead.place), ahead.place)
    finally:
        ahead.stop()


def test_it_waits_for_managers_that_are_not_up_yet(tmp_path: Path) -> None:
    late = Server(tmp_path / "late")
    said: list[str] = []
    token = late.token()

    def say(sentence: str) -> None:
        said.append(sentence)
        late.start()

    try:
        find_cluster(token, [late.place], timeout_s=20, say=say)
    finally:
        late.stop()
    assert [f"127.0.0.1:{late.port}" in sentence for sentence in said] == [True]


def test_it_waits_for_a_leader_and_asks_again(server: Server) -> None:
    replies: list[Reply] = [NO_LEADER, (429, {"detail": "slow down"})]

    def behave(method: str, body: bytes) -> Reply:
        return replies.pop(0) if method == "POST" and replies else server.let_in(method, body)

    server.behave = behave
    token = server.token()
    assert ask(token, find(token, server.place), server.place, timeout_s=20) == an_answer()


def test_another_manager_is_asked_where_one_is_down(server: Server) -> None:
    (nobody,) = free_ports(1)
    token = server.token()
    assert find(token, ("127.0.0.1", nobody), server.place).manager == server.place


def test_its_patience_ends_with_what_stood_in_the_way(server: Server) -> None:
    server.behave = lambda method, body: server.authority_told() if method == "GET" else NO_LEADER
    token = server.token()
    with pytest.raises(Impatient, match="there is no leader now"):
        ask(token, find(token, server.place), server.place)


def test_what_the_cluster_refuses_is_told_as_it_says(server: Server) -> None:
    problem = {"type": "urn:okube:error:conflict", "detail": "there is a node w7 already"}
    server.behave = lambda method, body: server.authority_told() if method == "GET" else (409, problem)
    token = server.token()
    with pytest.raises(Conflict, match="there is a node w7 already"):
        ask(token, find(token, server.place), server.place)


def test_an_okube_without_join_tokens_is_named(server: Server) -> None:
    server.behave = lambda method, body: (404, {"detail": "there is no /v1/join"})
    with pytest.raises(Conflict, match="too old"):
        find(server.token(), server.place)


def test_what_is_no_manager_is_waited_for_in_vain(tmp_path: Path) -> None:
    import socket

    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as plain:
        threading.Thread(target=_answer_garbage, args=(plain,), daemon=True).start()
        with pytest.raises(Impatient):
            find(Server(tmp_path).token(), ("127.0.0.1", plain.getsockname()[1]))


def _answer_garbage(plain: Any) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = plain.accept()
            with contextlib.closing(connection):
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
