"""JSON as it is taken from strangers: UTF-8, an object, no key twice, and not nested without end."""

import asyncio
import json
import re
from typing import Any

import msgspec

from okube.model.errors import Malformed

__all__ = ["MAX_DEPTH", "read_object", "read_object_aside"]

MAX_DEPTH = 64
_SMALL = 64 << 10
_SHOWN = 60
_KEY_ENDS = re.compile(rb'"\s*:')  # where each key ends; a text may hold, or begin with, the same: then it is too many


def read_object(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``.

    Raises:
        Malformed: it is no JSON, has a key twice, is nested too deep, or is no object.
    """
    try:
        made = msgspec.json.decode(data)
        _check_depth(data)
        if len(_KEY_ENDS.findall(data)) != _count_keys(made):  # else no key was given twice, or it would be counted
            json.loads(data, object_pairs_hook=_no_key_twice)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"the body is not JSON that can be read: {_reason(error)}") from error
    if not isinstance(made, dict):
        raise Malformed("the body must be a JSON object")
    return made


def _count_keys(value: object) -> int:
    """How many keys the objects in a value have; where one was given twice, the last has taken the others' place."""
    if isinstance(value, dict):
        return len(value) + sum(map(_count_keys, value.values()))
    return sum(map(_count_keys, value)) if isinstance(value, list) else 0


async def read_object_aside(data: bytes) -> dict[str, Any]:
    """The same; a large one is read beside the loop, for it takes its time."""
    if len(data) <= _SMALL:
        return read_object(data)
    return await asyncio.to_thread(read_object, data)


def _no_key_twice(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) == len(pairs):
        return
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"the key {key[:_SHOWN]!r} is given twice in one object")
        seen.add(key)


def _check_depth(data: bytes) -> None:
    """Count brackets outside of texts, where there are enough of them to matter."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    in_text = False
    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    for part in bare.split(b'"'):
        if not in_text:
            depth = _deepest(part, depth)
        in_text = not in_text


def _deepest(part: bytes, depth: int) -> int:
    for byte in part:
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        elif byte in b"]}":
            depth -= 1
    return depth


def _reason(error: Exception) -> str:
    return f"it is nested more than {MAX_DEPTH} deep" if isinstance(error, RecursionError) else str(error)[:300]
