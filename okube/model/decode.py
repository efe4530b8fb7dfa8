"""Plain data (from JSON or YAML) into typed structs, with every error at once and each at its field path.

msgspec stops at the first error and names types as Python does; a person who wrote a file wants all of it, in the words
of the file. Fields say how they are read with two keys in ``msgspec.Meta(extra=...)``: ``parse`` turns what a person
writes (``512M``) into the value and raises ValueError with a sentence; ``check`` returns a sentence on a wrong value.
A struct may have ``parse_text(cls, text)`` (a short form such as ``8080:80/tcp``) and ``problems(self)`` (checks over
several fields). One whose ``rest`` names a field that is a mapping takes into it the keys that are no fields and that
its ``takes(key)`` allows.
"""

import difflib
import functools
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from okube.model.errors import FieldError, InvalidInput

__all__ = ["decode", "hint"]

S = TypeVar("S", bound=msgspec.Struct)
_BAD = object()
_HINTS = 20  # for so many unknown keys of a struct: looking for a likeness takes its time
_MOST_ERRORS = 100
_LARGEST = 2**63 - 1  # what msgpack and most readers of JSON can hold


class _Reading(NamedTuple):
    """How a value is read: its type, and what ``msgspec.Meta`` says beside it."""

    base: Any
    parse: Callable[[object], Any] | None = None
    check: Callable[[Any], str | None] | None = None


class _Field(NamedTuple):
    name: str
    required: bool
    reading: _Reading


def decode(
    kind: type[S],
    data: object,
    *,
    what: str,
    ignore: Collection[str] = (),
    path: str = "",
) -> S:
    """``data`` as ``kind``.

    Args:
        kind: the struct to make.
        data: what a JSON or YAML parser gave.
        what: how to call the input in the error's sentence ("service web", "cluster.yaml").
        ignore: keys of the top level that are passed over (read-only fields of an answer that is sent back).
        path: the field path of ``data`` itself.

    Raises:
        InvalidInput: with one ``FieldError`` for each thing that is wrong.
    """
    errors: list[FieldError] = []
    value = _struct(kind, data, path, errors, ignore)
    if len(errors) > _MOST_ERRORS:
        errors[_MOST_ERRORS:] = [FieldError(path, f"and {len(errors) - _MOST_ERRORS} errors more")]
    if errors:
        raise InvalidInput.of(errors, what=what)
    return cast("S", value)


def hint(name: str, known: Collection[str], *, alike: float = 0.6) -> str:
    """`` (did you mean 'replicas'?)`` where something close is known, else nothing; 1 is ``alike`` in every letter."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=alike)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _struct(kind: type, data: object, path: str, errors: list[FieldError], ignore: Collection[str] = ()) -> object:
    if hasattr(kind, "parse_text") and isinstance(data, str | int) and not isinstance(data, bool):
        return _guarded(lambda short: kind.parse_text(str(short)), data, path, errors)
    if not isinstance(data, Mapping):
        errors.append(FieldError(path, f"a mapping with keys is expected, not {_show(data)}"))
        return _BAD
    before = len(errors)
    fields = _fields(kind)
    values: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for key, value in data.items():
        if key in ignore:
            continue
        field = fields.get(key) if isinstance(key, str) else None
        if field is None and isinstance(key, str) and hasattr(kind, "rest") and kind.takes(key):  # type: ignore[attr-defined]
            rest[key] = _value(_of_rest(kind)[0], value, _join(path, key), errors)
            continue
        if field is None:
            allowed = ", ".join(fields)
            suggestion = hint(str(key), fields) if len(errors) - before < _HINTS else ""
            errors.append(FieldError(_join(path, str(key)), f"unknown key{suggestion}; allowed are {allowed}"))
            continue
        values[field.name] = _value(field.reading, value, _join(path, key), errors)
    errors.extend(
        FieldError(_join(path, name), "is missing")
        for name, field in fields.items()
        if field.required and field.name not in values
    )
    if len(errors) > before:
        return _BAD
    if rest:
        _merge(kind, values, rest, path, errors)
    if len(errors) > before:
        return _BAD
    made = kind(**values)
    if hasattr(made, "problems"):
        found: Iterator[FieldError] = made.problems()
        errors.extend(FieldError(_join(path, e.path), _short(e.message)) for e in found)
    return made


def _merge(kind: Any, values: dict[str, Any], rest: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """Put the rest into its field, beside what is there."""
    name: str = kind.rest
    there = values.get(name) or {}
    twice = [key for key in rest if key in there]
    errors.extend(FieldError(_join(path, key), f"is given twice: here and in {name}") for key in twice)
    values[name] = {**there, **rest}
    check = _of_rest(kind)[1]
    message = check(values[name]) if check and not twice else None
    if message is not None:
        errors.append(FieldError(_join(path, name), _short(message)))


@functools.cache
def _of_rest(kind: Any) -> tuple[_Reading, Callable[[Any], str | None] | None]:
    """How a value of the mapping that takes the rest is read, and what checks the whole; the field may be unset."""
    hint_ = get_type_hints(kind, include_extras=True)[kind.rest]
    if get_origin(hint_) in (Union, types.UnionType):
        hint_ = next(part for part in get_args(hint_) if part is not msgspec.UnsetType)
    whole = _reading(hint_)
    return _reading(get_args(whole.base)[1]), whole.check


def _value(reading: _Reading, data: object, path: str, errors: list[FieldError]) -> Any:
    base, parse, check = reading
    before = len(errors)
    made = _guarded(parse, data, path, errors) if parse else _plain(base, data, path, errors)
    if check is not None and len(errors) == before and made is not None:
        message = check(made)
        if message is not None:
            errors.append(FieldError(path, _short(message)))
    return made


def _plain(kind: Any, data: object, path: str, errors: list[FieldError]) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional(kind, data, path, errors)
    if origin is Literal:
        allowed = get_args(kind)
        if data not in allowed:
            options = ", ".join(str(a) for a in allowed)
            suggestion = hint(data, allowed) if isinstance(data, str) else ""
            errors.append(FieldError(path, f"{_show(data)} is not allowed{suggestion}; one of {options}"))
        return data
    if origin is tuple:
        return _sequence(get_args(kind)[0], data, path, errors)
    if origin is dict:
        return _mapping(get_args(kind)[1], data, path, errors)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(kind, data, path, errors)
    return _scalar(kind, data, path, errors)


def _optional(kind: Any, data: object, path: str, errors: list[FieldError]) -> Any:
    if data is None and type(None) in get_args(kind):
        return None
    (inner,) = [a for a in get_args(kind) if a not in (type(None), msgspec.UnsetType)]
    return _value(_reading(inner), data, path, errors)


def _sequence(item: Any, data: object, path: str, errors: list[FieldError]) -> Any:
    if not isinstance(data, list | tuple):
        errors.append(FieldError(path, f"a list is expected, not {_show(data)}"))
        return _BAD
    reading = _reading(item)
    return tuple(_value(reading, value, f"{path}[{n}]", errors) for n, value in enumerate(data))


def _mapping(item: Any, data: object, path: str, errors: list[FieldError]) -> Any:
    if not isinstance(data, Mapping):
        errors.append(FieldError(path, f"a mapping is expected, not {_show(data)}"))
        return _BAD
    made = {}
    reading = _reading(item)
    for key, value in data.items():
        if not isinstance(key, str):
            errors.append(FieldError(_join(path, str(key)), f"the key {key!r} is not text; put it in quotes"))
            continue
        made[key] = _value(reading, value, _join(path, key), errors)
    return made


def _scalar(kind: Any, data: object, path: str, errors: list[FieldError]) -> Any:
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    right = isinstance(data, kind) if kind is not float else isinstance(data, int | float)
    if isinstance(data, bool) and kind is not bool:
        right = False
    if not right:
        advice = "; put it in quotes" if kind is str and isinstance(data, int | float | bool) else ""
        errors.append(FieldError(path, f"{names.get(kind, kind)} is expected, not {_show(data)}{advice}"))
        return _BAD
    if isinstance(data, int) and abs(data) > _LARGEST:
        errors.append(FieldError(path, "the number is too large"))
        return _BAD
    return float(cast("float", data)) if kind is float else data


def _guarded(parse: Callable[[Any], Any], data: object, path: str, errors: list[FieldError]) -> Any:
    try:
        return parse(data)
    except ValueError as error:
        errors.append(FieldError(path, _short(str(error))))
        return _BAD


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, _Field]:
    """The fields by the key that stands for them; evaluating type hints takes longer than all the rest."""
    hints = get_type_hints(kind, include_extras=True)
    fields = msgspec.structs.fields(kind)
    return {f.encode_name: _Field(f.name, f.required, _reading(hints[f.name])) for f in fields}


def _reading(hint_: Any) -> _Reading:
    if get_origin(hint_) is not Annotated:
        return _Reading(hint_)
    base, *metas = get_args(hint_)
    found: dict[str, Any] = {}
    for meta in metas:
        found |= getattr(meta, "extra", None) or {}
    return _Reading(base, found.get("parse"), found.get("check"))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _short(message: str) -> str:
    """The message without the middle of what it quotes, where that is very long."""
    return message if len(message) <= 400 else f"{message[:100]} ... {message[-250:]}"


def _show(data: object) -> str:
    if data is None:
        return "nothing"
    if isinstance(data, Mapping):
        return "a mapping"
    if isinstance(data, list | tuple):
        return "a list"
    if isinstance(data, int) and abs(data) > _LARGEST:
        return "so large a number"  # Python does not write out all of them
    text = repr(data)
    return text if len(text) <= 60 else text[:57] + "..."
