"""The value of a secret or config: of a file, of stdin, or asked for; never of the command line, which others see."""

import sys
from pathlib import Path

import click

from okube.cli.exits import Ended
from okube.cli.output import note
from okube.client.access import SecretKind
from okube.model.errors import BadFile
from okube.model.secret import MAX_VALUE_BYTES

__all__ = ["value_of"]


def value_of(kind: SecretKind, file: str | None) -> bytes:
    """What a file holds; without one, or for ``-``, what comes from stdin, or is typed. Never empty by mistake.

    Raises:
        BadFile: it cannot be read.
        Ended: it is empty, or too long.
    """
    if file in (None, "-"):
        value = _asked(kind) if sys.stdin.isatty() else sys.stdin.buffer.read(MAX_VALUE_BYTES + 1)
    else:
        try:
            with Path(str(file)).open("rb") as opened:
                value = opened.read(MAX_VALUE_BYTES + 1)
        except OSError as error:
            raise BadFile(f"{file} cannot be read: {error.strerror}") from error
    if not value:
        raise Ended(2, f"the value is empty: nothing was read from {file if file not in (None, '-') else 'stdin'}")
    if len(value) > MAX_VALUE_BYTES:
        raise Ended(2, f"the value is too long: a {kind} holds up to {MAX_VALUE_BYTES >> 10} KiB")
    return value


def _asked(kind: SecretKind) -> bytes:
    if kind == "config":
        note("type the value, and Ctrl-D on a line of its own at its end")
        return sys.stdin.buffer.read(MAX_VALUE_BYTES + 1)
    typed: str = click.prompt("Value", hide_input=True, confirmation_prompt="The same again", err=True)
    return typed.encode()
