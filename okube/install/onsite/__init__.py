"""Programs that machines run for the install, and how they are sent there.

Each module here but this one is a program of its own. It is sent over stdin to the machine's ``python3`` with its
question behind it, needs nothing but the standard library, leaves no file of its own, and is written for Python 3.6
and newer: a machine whose Python is too old for Okube is to be told so. Its answer is one line of JSON behind a mark,
for a shell may greet whoever logs in.
"""

from collections.abc import Sequence
from importlib import resources
from typing import TypeVar

import msgspec

from okube.install.remote import CommandFailed, Remote

__all__ = ["ask", "program"]

T = TypeVar("T")
_MARK = b"okube-answer:"
_NO_SUCH_COMMAND = 127


def program(name: str, question: object) -> bytes:
    """The source of a program, with its question behind it."""
    source = resources.files(__name__).joinpath(f"{name}.py").read_text(encoding="utf-8")
    asked = msgspec.json.encode(question).decode()
    return f"{source}\n\nmain({asked!r})\n".encode()


async def ask(
    remote: Remote,
    name: str,
    question: object,
    kind: type[T],
    *,
    timeout_s: float = 60.0,
    python: Sequence[str] = ("python3",),
) -> T:
    """Run a program on a machine; its answer, decoded.

    Raises:
        MachineUnreachable: the connection does not hold.
        CommandFailed: there is no Python, or the program did not get to its end.
    """
    result = await remote.run((*python, "-I", "-B", "-"), program(name, question), timeout_s=timeout_s)
    if result.status == _NO_SUCH_COMMAND:
        raise CommandFailed(
            f"there is no {python[0]} there: install Python 3.11 or newer (Debian and Ubuntu: apt-get install python3)"
        )
    out = result.require(f"the program {name} on it")
    line = next((each for each in reversed(out.splitlines()) if each.startswith(_MARK)), None)
    if line is None:
        raise CommandFailed(f"the program {name} on it ended without an answer")
    try:
        return msgspec.json.decode(line[len(_MARK) :], type=kind)
    except msgspec.MsgspecError as error:
        raise CommandFailed(f"the program {name} on it answered what cannot be read: {error}") from error
