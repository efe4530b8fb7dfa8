"""How a command ends: the exit status and the lines on stderr for each error."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence

import click

from okube.model.errors import BadFile, InvalidInput, NoQuorum, OkubeError, OutcomeUnknown, Unreachable

__all__ = [
    "DONE",
    "INTERRUPTED",
    "REFUSED",
    "UNREACHABLE",
    "USAGE",
    "WAITED",
    "BadInput",
    "Ended",
    "NoCredentials",
    "Refusals",
    "WaitedInVain",
    "interruptible",
    "report",
]

DONE, REFUSED, USAGE, UNREACHABLE, WAITED = 0, 1, 2, 3, 4
INTERRUPTED = 130  # as shells have it


class Ended(Exception):
    """The command ends with this status; what is to say has been said on stderr, or is ``sentence``."""

    def __init__(self, status: int, sentence: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Refusals(Ended):
    """The cluster refused what files ask for.

    Args:
        lines: one for each thing that is wrong, printed as they are (``file:line: path: message``).
        sentence: what follows from it.
        status: the exit status.
    """

    def __init__(self, lines: Sequence[str], sentence: str, status: int = REFUSED) -> None:
        super().__init__(status, sentence)
        self.lines = tuple(lines)


class BadInput(Refusals):
    """A file or flags are wrong, found before anything was sent."""

    def __init__(self, lines: Sequence[str], sentence: str) -> None:
        super().__init__(lines, sentence, USAGE)


class NoCredentials(Unreachable):
    """There is nothing to show to the managers; none was asked."""


class WaitedInVain(Ended):
    """What was asked for is committed and has not come about in time."""

    def __init__(self, sentence: str) -> None:
        super().__init__(WAITED, sentence)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Around what goes on for ever: whoever presses Ctrl-C has seen enough, and the exit status alone says so."""
    try:
        yield
    except KeyboardInterrupt:
        raise Ended(INTERRUPTED) from None


def report(error: BaseException) -> int:
    """Say on stderr what went wrong; returns the exit status."""
    if isinstance(error, Refusals):
        for line in error.lines:
            _print(line)
    if isinstance(error, Ended):
        _say(error.sentence)
        return error.status
    if isinstance(error, OkubeError):
        return _cluster_error(error)
    if isinstance(error, click.UsageError):
        return _usage_error(error)
    if isinstance(error, click.ClickException):
        _say(error.format_message())
        return USAGE
    if isinstance(error, KeyboardInterrupt | click.Abort):
        _say("interrupted")
        return INTERRUPTED
    return _bug(error)


def _say(sentence: str) -> None:
    for n, line in enumerate(sentence.splitlines()):
        _print(f"okube: {line}" if n == 0 else f"  {line.strip()}")


def _print(line: str) -> None:
    from okube.cli.output import note

    note(line, indent="    " if line.startswith(" ") else "  ")


def _cluster_error(error: OkubeError) -> int:
    if isinstance(error, BadFile):
        _say(error.detail)
        return USAGE
    if isinstance(error, Unreachable | NoQuorum | OutcomeUnknown):
        _say("\n".join([error.detail, *(f"{e.path}: {e.message}" for e in error.errors), _advice(error)]))
        return UNREACHABLE
    if isinstance(error, InvalidInput) and len(error.errors) > 1:
        _say("\n".join(["the cluster refused it:", *(f"{e.path}: {e.message}" for e in error.errors)]))
        return REFUSED
    _say(error.detail)
    return REFUSED


def _advice(error: OkubeError) -> str:
    if isinstance(error, NoCredentials):
        return "`okube up -d` makes the cluster; where it was made on another machine, copy that folder from there"
    if isinstance(error, NoQuorum):
        return "`okube status` shows which managers are missing; `--stale` reads what one of them knows"
    if isinstance(error, OutcomeUnknown):
        return "`okube services` and `okube ps` show what is there"
    return "is the cluster up? `okube up -d` starts it on this machine; `--manager URL` names other managers"


def _usage_error(error: click.UsageError) -> int:
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    message += _likely_choice(error)
    if error.ctx is not None and "--help" not in message:
        message = f"{message}\n`{error.ctx.command_path} --help` shows how it is used"
    _say(message)
    return USAGE


def _likely_choice(error: click.UsageError) -> str:
    """Of a value that is none of a few, the one that was likely meant."""
    choice = error.param.type if isinstance(error, click.BadParameter) and error.param is not None else None
    given = re.match(r"'([^']*)' is not one of", error.message)
    if not isinstance(choice, click.Choice) or given is None:
        return ""
    from difflib import get_close_matches

    close = get_close_matches(given[1], [str(one) for one in choice.choices], n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _bug(error: BaseException) -> int:
    import traceback

    if os.environ.get("OKUBE_DEBUG"):
        traceback.print_exception(error, file=sys.stderr)
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    said = " ".join(str(error).split())
    _say(f"a bug of Okube: {type(error).__name__}{where}: {said} (OKUBE_DEBUG=1 shows more; please report it)")
    return REFUSED
