"""The query and the headers of a request against the table of routes: what it says there is what is taken. Pure."""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from multidict import MultiMapping

from okube.manager.api.route import Parameter, Route
from okube.model.decode import hint
from okube.model.errors import FieldError

__all__ = ["wrong_parameters"]

_FLAGS = frozenset({"true", "false", "1", "0"})
_NUMBER = re.compile("-?[0-9]{1,18}")
_SHOWN = 60


def wrong_parameters(route: Route, query: MultiMapping[str], headers: Mapping[str, str]) -> Iterator[FieldError]:
    """What is wrong, and what would be right. A misspelt parameter must not be passed over: it may be a filter."""
    known = route.query if query else {}
    for name in dict.fromkeys(query):
        if name not in known:
            allowed = f"allowed are {', '.join(known)}" if known else f"{route.path} takes none"
            yield FieldError(name[:_SHOWN], f"unknown parameter{hint(name[:_SHOWN], known)}; {allowed}")
            continue
        values = query.getall(name)
        if len(values) > 1 and not known[name].repeated:
            yield FieldError(name, "is given twice")
        yield from _wrong(known[name], values)
    for parameter in route.parameters:
        if parameter.where == "header" and parameter.name in headers and not parameter.explained:
            yield from _wrong(parameter, [headers[parameter.name]])


def _wrong(parameter: Parameter, values: list[str]) -> Iterator[FieldError]:
    for value in values:
        message = _problem(parameter.schema, value)
        if message is not None:
            yield FieldError(parameter.name, f"{_short(value)} {message}")


def _problem(schema: Mapping[str, Any], value: str) -> str | None:
    """What is wrong with one value, as the end of a sentence."""
    if schema["type"] == "boolean":
        return None if value.lower() in _FLAGS else "is not true or false"
    if schema["type"] == "integer":
        low, high = schema["minimum"], schema["maximum"]
        right = _NUMBER.fullmatch(value) is not None and low <= int(value) <= high
        return None if right else f"is not a number from {low} to {high}"
    if "enum" in schema:
        options = schema["enum"]
        return (
            None if value in options else f"is not allowed{hint(value[:_SHOWN], options)}; one of {', '.join(options)}"
        )
    return _text_problem(schema, value)


def _text_problem(schema: Mapping[str, Any], value: str) -> str | None:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return f"is not {schema.get('minLength', 0)} to {schema['maxLength']} characters long"
    pattern = schema.get("pattern")
    if pattern is not None and _compiled(pattern).fullmatch(value) is None:
        return f"is not what is taken here: {pattern}"
    return None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _short(value: str) -> str:
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")
