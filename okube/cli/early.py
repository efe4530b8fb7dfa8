"""The request of a plain ``okube run`` leaves while the rest of the program is still being loaded.

Loading click, msgspec and the client takes several times as long as the cluster needs to accept a service. So a command
line of the plainest shape is read here by hand, with nothing imported but ``ssl``, and its request is sent to the
manager that answered last. Nobody waits for an answer: the command itself sends the same request once more, with the
same Idempotency-Key, and gets the one result that there is, whether or not this one came through. Whatever is not
plain (another option, a file that changed, a manager that is slow) is left to the command alone.
"""

import os
from collections.abc import Sequence

TYPE_CHECKING = False  # to type checkers it is true; importing typing's own would cost what is gained here
if TYPE_CHECKING:
    from socket import socket

__all__ = ["SERVER_NAME", "body_of", "forget", "key_of", "send", "spec_of"]

SERVER_NAME = "manager.okube"  # as ``okube.security`` has it, whose import would cost what is gained here
_ENTER_S = 0.15  # for connection and TLS; the command itself goes on to the next manager after this
_MAX_WORDS = 100
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_IMAGE = _NAME | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ._/:@")
_TAKES_NO_VALUE = frozenset({"--wait", "--no-wait"})
_TAKES_VALUE = frozenset({"--image", "--name", "--replicas", "--timeout", "-o", "--output"})

Spec = dict[str, "str | int | list[str]"]


class _Sent:
    """What has left; the connection stays open until the process ends, for the manager drops a request with it."""

    def __init__(self, spec: Spec, key: str, connection: "socket") -> None:
        self.spec = spec
        self.key = key
        self.connection = connection


_sent: list[_Sent] = []


def send(words: Sequence[str]) -> bool:
    """Send the request of a command line if it is a plain ``run`` whose cluster is known, and tell; never raises."""
    spec = spec_of(words)
    if spec is None or "OKUBE_MANAGERS" in os.environ or "OKUBE_TOKEN" in os.environ:
        return False
    try:
        key = os.urandom(16).hex()
        connection = _post(spec, key)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # the command meets the same trouble, and tells it
    _sent.append(_Sent(spec, key, connection))
    return True


def key_of(spec: object) -> str | None:
    """The Idempotency-Key under which this very service has been asked for already."""
    return next((sent.key for sent in _sent if sent.spec == spec), None)


def forget() -> None:
    """As if nothing had left: for tests, in which one process is many commands."""
    while _sent:
        _sent.pop().connection.close()


def body_of(spec: Spec) -> bytes:
    """The body of the request, as the client writes it."""
    import json

    return json.dumps(spec, separators=(",", ":")).encode("ascii")


def spec_of(words: Sequence[str]) -> Spec | None:
    """What ``okube run`` asks for, where the words are so plain that nothing about them can be wrong; else None."""
    if not words or words[0] != "run":
        return None
    end = words.index("--") if "--" in words else len(words)
    command = list(words[end + 1 :])
    flags = _flags(words[1:end])
    if flags is None or not _is_name(flags.get("--name", "")) or not _is_image(flags.get("--image", "")):
        return None
    replicas = flags.get("--replicas", "1")
    if not (replicas.isascii() and replicas.isdigit() and 1 <= int(replicas[:5]) <= 1000 and len(replicas) <= 4):
        return None
    if len(command) > _MAX_WORDS or not all(word.isascii() and word.isprintable() and word for word in command):
        return None
    spec: Spec = {"name": flags["--name"], "image": flags["--image"], "replicas": int(replicas)}
    if command:
        spec["command"] = command
    return spec


def _flags(words: Sequence[str]) -> dict[str, str] | None:
    flags: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in _TAKES_NO_VALUE:
            continue
        value = next(rest, "")
        if word not in _TAKES_VALUE or word in flags or not value or value.startswith("-"):
            return None
        flags[word] = value
    return flags


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 40 and text[0].isalpha() and text[-1] != "-" and _NAME.issuperset(text)


def _is_image(text: str) -> bool:
    return 0 < len(text) <= 200 and text[0].isalnum() and text[-1].isalnum() and _IMAGE.issuperset(text)


def _post(spec: Spec, key: str) -> "socket":
    known = _known_cluster()
    folder = f"{known['data_dir']}/admin"
    with open(f"{folder}/last-manager", encoding="ascii") as file:
        address = file.read().strip().removeprefix("https://")
    if address not in known["managers"] or os.stat(f"{folder}/admin.key").st_mode & 0o077:
        raise ValueError("the command itself says what is wrong")
    host, _, port = address.rpartition(":")
    body = body_of(spec)
    lines = [
        "POST /v1/services HTTP/1.1",
        f"Host: {address}",
        "Accept: application/json",
        "User-Agent: okube",
        f"Idempotency-Key: {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return _send(host.strip("[]"), int(port), folder, "\r\n".join([*lines, "", ""]).encode("ascii") + body)


def _send(host: str, port: int, folder: str, request: bytes) -> "socket":
    """The connection on which it was sent."""
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    context.load_verify_locations(cafile=f"{folder}/ca.crt")
    context.load_cert_chain(f"{folder}/admin.crt", f"{folder}/admin.key")
    connection = socket.create_connection((host, port), _ENTER_S)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = context.wrap_socket(connection, server_hostname=SERVER_NAME)
    except BaseException:
        connection.close()
        raise
    secured.sendall(request)
    return secured


def _known_cluster() -> dict[str, str | list[str]]:
    """What the commands before this one have noted of the cluster.yaml that is meant, if it is unchanged."""
    import json

    home = os.environ["HOME"]
    cache = os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache"
    named = os.environ.get("OKUBE_CONFIG")
    for path in [named] if named else ["cluster.yaml", f"{home}/.okube/cluster.yaml"]:
        if os.path.isfile(path):
            break
    else:
        raise ValueError("there is no cluster.yaml")
    path, stat = os.path.abspath(path), os.stat(path)
    with open(f"{cache}/okube/clusters.json", "rb") as file:
        known = json.loads(file.read())[path]
    if known["stamp"] != [stat.st_mtime_ns, stat.st_size, stat.st_ino]:
        raise ValueError("it has changed")
    facts: dict[str, str | list[str]] = known["facts"]
    return facts
