"""What differs between a service as it is and as a file has it, by field path."""

from typing import Any

import msgspec

from okube.model.errors import InvalidInput
from okube.model.shown import spec_view
from okube.model.spec import decode_spec

__all__ = ["differences"]

Row = dict[str, Any]


def differences(old: Row, new: Row) -> list[Row]:
    """``[{path, old, new}]``.

    Args:
        old: the service as the API shows it.
        new: a spec as a file has it, with all its defaults.
    """
    try:
        before = spec_view(decode_spec(old))
    except InvalidInput:
        before = {key: value for key, value in old.items() if key in new}  # of a newer version of Okube
    found: list[Row] = []
    if old.get("stopped"):
        found.append({"path": "stopped", "old": True, "new": False})
    _compare("", _plain(before), _plain(new), found)
    return found


def _plain(value: Any) -> Any:
    """Lists for tuples, as JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _compare(path: str, old: Any, new: Any, found: list[Row]) -> None:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            _compare(f"{path}.{key}" if path else key, old.get(key), new.get(key), found)
        return
    found.append({"path": path, "old": old, "new": new})
