"""The events of a JSON text, with lines; Python's parser says whether it is JSON at all."""

import json
import re
from collections.abc import Iterator

from okube.config.compose import End, Event, Scalar, Start, Trouble

__all__ = ["json_events"]

_TOKEN = re.compile(r'(?P<line>\n)|(?P<open>[{\[])|(?P<close>[}\]])|(?P<scalar>"(?:[^"\\]|\\.)*"|[^\s,:{}\[\]"]+)')


def json_events(text: str) -> Iterator[Event]:
    """The events of the one value in ``text``.

    Raises:
        Trouble: it is not JSON; raised before the first event.
    """
    _require_json(text)
    return _events(text)


def _require_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise Trouble(error.lineno, f"this is no JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise Trouble(1, "this is nested too deep") from error
    except ValueError as error:
        raise Trouble(1, f"this is no JSON: {error}") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _events(text: str) -> Iterator[Event]:
    line = 1
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "line":
                line += 1
            case "open":
                yield Start(line, "mapping" if token[0] == "{" else "sequence")
            case "close":
                yield End()
            case _:
                yield Scalar(line, json.loads(token[0]))
