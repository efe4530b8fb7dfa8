"""The talk of a machine that joins: it makes sure of the cluster first, and then shows its token.

1. It asks for the CA's certificates over a connection that proves nothing, and says nothing of itself there. By the
   token's fingerprint it knows the CA.
2. It connects anew and believes that CA alone; over this connection it shows its token and asks for its certificate.

Managers that do not answer, or have no leader, are asked again until time is over.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TypeVar

import msgspec

from okube.model.errors import UNREADABLE, Conflict, FieldError, OkubeError, Unauthorized, Unreachable, error_of_kind
from okube.model.jointoken import JoinAnswer, JoinAuthority, JoinRequest
from okube.seams.plainly import plainly
from okube.security import ANY_MANAGER
from okube.security.jointokens import JoinToken, certificates_in, fingerprint_of

__all__ = ["Cluster", "Host", "Impatient", "ask_to_join", "find_cluster"]

Host = tuple[str, int]
Say = Callable[[str], None]
T = TypeVar("T")
_CONNECT_S = 3.0
_ANSWER_S = 15.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_MOST_BYTES = 1 << 20
_AGAIN = frozenset({429, 502, 503, 504})
_PROBLEM = "urn:okube:error:"


class Impatient(OkubeError):
    """The managers did not let this machine in before its time was over; it may be called again."""

    kind = "waited-in-vain"


class Cluster(msgspec.Struct, frozen=True):
    """The cluster of a token: its CA's certificate (PEM), where a manager answered, and where this machine is seen."""

    ca: str
    manager: Host
    local_host: str


class _NotNow(Exception):
    """This manager does not serve the call now; another one may, or the same one later."""


class _Problem(msgspec.Struct):
    type: str = ""
    title: str = ""
    detail: str = ""
    errors: list[FieldError] = []


def find_cluster(token: JoinToken, managers: Iterable[Host], *, timeout_s: float | None, say: Say) -> Cluster:
    """Wait until a manager answers, and make sure that it is of the token's cluster; nothing is told to it.

    Raises:
        Unauthorized: somebody answers, and it is another cluster.
        Impatient: nobody answers in time.
    """
    return _until_answered(managers, lambda manager: _authority(token, manager), timeout_s=timeout_s, say=say)


def ask_to_join(
    cluster: Cluster, request: JoinRequest, managers: Iterable[Host], *, timeout_s: float | None, say: Say
) -> JoinAnswer:
    """Show the token and get the certificate; asked again where nobody knows whether it was done.

    Raises:
        OkubeError: the cluster refuses it, and says why.
        Impatient: no leader answers in time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=cluster.ca)
    body = msgspec.json.encode(request)
    first = [cluster.manager, *(manager for manager in managers if manager != cluster.manager)]

    def ask(manager: Host) -> JoinAnswer:
        data, _ = _call(manager, context, ANY_MANAGER, "POST", body)
        return _decode(data, JoinAnswer)

    return _until_answered(first, ask, timeout_s=timeout_s, say=say)


def _authority(token: JoinToken, manager: Host) -> Cluster:
    unproven = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unproven.check_hostname = False
    unproven.verify_mode = ssl.CERT_NONE
    unproven.minimum_version = ssl.TLSVersion.TLSv1_3
    data, local_host = _call(manager, unproven, None, "GET", b"")
    found = certificates_in(_decode(data, JoinAuthority).ca)
    for certificate in found:
        if fingerprint_of(certificate) == token.ca_sha256:
            return Cluster(certificate, manager, local_host)
    raise Unauthorized(
        f"the cluster at {_shown(manager)} is not the one that made this token, or has another CA since: its CA's "
        f"fingerprint is {', '.join(fingerprint_of(each)[:16] for each in found) or 'none'}…, and the token's is "
        f"{token.ca_sha256[:16]}…. The token was not shown to it. Check --manager, or have another token made with "
        "`okube token create`"
    )


def _until_answered(managers: Iterable[Host], ask: Callable[[Host], T], *, timeout_s: float | None, say: Say) -> T:
    """The first answer of any manager, however long that takes; what stands in the way is told when it changes."""
    places = list(managers)
    until = None if timeout_s is None else time.monotonic() + timeout_s
    pause_s, told = _FIRST_PAUSE_S, ""
    while True:
        troubles = []
        for manager in places:
            try:
                return ask(manager)
            except _NotNow as error:
                troubles.append(f"{_shown(manager)}: {error}")
        sentence = "; ".join(troubles)
        if until is not None and time.monotonic() + pause_s > until:
            raise Impatient(f"no manager let this machine in within {timeout_s:g} s: {sentence}. Call it again later")
        if sentence != told:
            say(f"waiting for the managers: {sentence}")
            told = sentence
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _call(
    manager: Host, context: ssl.SSLContext, server_name: str | None, method: str, body: bytes
) -> tuple[bytes, str]:
    """The body of a good answer, and this machine's address as the connection has it."""
    try:
        with (
            socket.create_connection(manager, timeout=_CONNECT_S) as plain,
            context.wrap_socket(plain, server_hostname=server_name) as secure,
        ):
            local_host = str(secure.getsockname()[0])
            secure.settimeout(_ANSWER_S)
            status, data = _exchange(secure, manager, method, body)
    except ssl.SSLCertVerificationError as error:
        raise Unauthorized(
            f"the manager at {_shown(manager)} shows no certificate of the token's CA that holds now ("
            f"{error.verify_message}): the token was not shown to it. Is this machine's clock right?"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise _NotNow(plainly(error)) from error
    if status in _AGAIN:
        raise _NotNow(_problem(status, data).detail)
    if status == http.client.NOT_FOUND:
        raise Conflict(f"the Okube at {_shown(manager)} is too old to let machines join with a token: upgrade it first")
    if status >= http.client.BAD_REQUEST:
        raise _problem(status, data)
    return data, local_host


def _exchange(secure: ssl.SSLSocket, manager: Host, method: str, body: bytes) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(*manager, timeout=_ANSWER_S)) as connection:
        connection.sock = secure
        connection.request(method, "/v1/join", body or None, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES)


def _problem(status: int, data: bytes) -> OkubeError:
    try:
        problem = msgspec.json.decode(data, type=_Problem)
    except UNREADABLE:
        problem = _Problem()
    detail = problem.detail or problem.title or f"it answered {status} and did not say why"
    errors = tuple((each.path, each.message) for each in problem.errors)
    return error_of_kind(problem.type.removeprefix(_PROBLEM), detail, errors)


def _decode(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise Unreachable(f"what answers there is no manager of Okube, or one of another version: {error}") from error


def _shown(manager: Host) -> str:
    host, port = manager
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
