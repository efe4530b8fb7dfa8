"""Commands run in a task's container, over a WebSocket: what is asked, and the frames of ``okube.exec.v1``.

``GET /v1/tasks/{id}/exec?cmd=..&cmd=..&tty=true&stdin=true&cols=80&rows=24``, at a manager and, the same, at an agent.
Frames are binary; the first byte is the channel. The client sends ``STDIN`` and ``CONTROL`` (`ClientControl`); it
gets ``STDOUT``, ``STDERR`` and ``CONTROL`` (`ServerControl`). A session ends in good order with one ``exit``, then the
connection is closed; where an ``error`` comes without an ``exit``, nobody knows how the command went.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from okube.model.errors import UNREADABLE, FieldError, InvalidInput, Malformed

__all__ = [
    "CANNOT_RUN",
    "CONTROL",
    "MAX_FRAME",
    "NOT_FOUND",
    "STDERR",
    "STDIN",
    "STDOUT",
    "SUBPROTOCOL",
    "ClientControl",
    "ExecRequest",
    "Exit",
    "ServerControl",
    "Size",
    "control_frame",
    "data_frame",
    "read_client_control",
    "read_server_control",
]

SUBPROTOCOL = "okube.exec.v1"
STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2
CONTROL: Final = 3
MAX_FRAME = 1 << 20
"""Bytes of the largest frame that either side takes, its channel included."""
CANNOT_RUN = 126
NOT_FOUND = 127
"""Exit codes of commands that were never run, as shells have them."""

_MAX_SIZE = 10_000
Cells = Annotated[int, msgspec.Meta(ge=1, le=_MAX_SIZE)]


class Size(msgspec.Struct, frozen=True):
    """Of a terminal, in characters."""

    cols: Cells
    rows: Cells


class ClientControl(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client asks beside its input: another size of the terminal; the end of the command's standard input."""

    resize: Size | None = None
    close_stdin: bool = False


class Exit(msgspec.Struct, frozen=True):
    """How the command ended; 128 + N for signal N, 126 and 127 for one that could not be run."""

    code: int


class ServerControl(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the command ended, or a sentence on what went wrong."""

    exit: Exit | None = None
    error: str | None = None


class ExecRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to run in a task's container. Without ``stdin`` its standard input is empty."""

    command: tuple[str, ...]
    tty: bool = False
    stdin: bool = False
    cols: int = 80
    rows: int = 24

    @classmethod
    def of_query(cls, query: Iterable[tuple[str, str]]) -> "ExecRequest":
        """What a URL asks for.

        Raises:
            InvalidInput: there is no command, or a parameter is not what it should be; parameters that are not ours
                are passed over.
        """
        command: list[str] = []
        fields: dict[str, bool | int] = {}
        errors: list[FieldError] = []
        for name, text in query:
            if name == "cmd":
                command.append(text)
            elif name in ("tty", "stdin"):
                fields[name] = _flag(name, text, errors)
            elif name in ("cols", "rows"):
                fields[name] = _cells(name, text, errors)
        if not command or not command[0]:
            errors.append(FieldError("cmd", "says no command: give one cmd for each word of it"))
        if any("\0" in word for word in command):
            errors.append(FieldError("cmd", "has a NUL character, which no command can have"))
        if errors:
            raise InvalidInput.of(errors, what="query")
        return cls(command=tuple(command), **fields)  # type: ignore[arg-type]  # each has the type of its field

    def query(self) -> list[tuple[str, str]]:
        """The same as the parameters of a URL."""
        flags = [("tty", str(self.tty).lower()), ("stdin", str(self.stdin).lower())]
        size = [("cols", str(self.cols)), ("rows", str(self.rows))]
        return [*(("cmd", word) for word in self.command), *flags, *size]


_client_controls = msgspec.json.Decoder(ClientControl)
_server_controls = msgspec.json.Decoder(ServerControl)


def data_frame(channel: int, data: bytes) -> bytes:
    """A frame with a piece of input or output."""
    return bytes((channel,)) + data


def control_frame(control: ClientControl | ServerControl) -> bytes:
    """A frame on the control channel."""
    return data_frame(CONTROL, msgspec.json.encode(control))


def read_client_control(payload: bytes) -> ClientControl:
    """A control frame without its first byte; raises Malformed."""
    try:
        return _client_controls.decode(payload)
    except UNREADABLE as error:
        raise Malformed(f"the control frame makes no sense: {error}") from error


def read_server_control(payload: bytes) -> ServerControl:
    """A control frame without its first byte; raises Malformed."""
    try:
        return _server_controls.decode(payload)
    except UNREADABLE as error:
        raise Malformed(f"the control frame makes no sense: {error}") from error


def _flag(name: str, text: str, errors: list[FieldError]) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        errors.append(FieldError(name, f"{text!r} is not true or false"))
    return text.lower() in ("true", "1")


def _cells(name: str, text: str, errors: list[FieldError]) -> int:
    good = text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _MAX_SIZE
    if not good:
        errors.append(FieldError(name, f"{text!r} is not a number from 1 to {_MAX_SIZE}"))
    return int(text) if good else 1
