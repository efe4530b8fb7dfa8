"""Changes of cluster.yaml where people look at it: an entry more, an entry less, another host; all else stays.

The text is changed at its place, so that comments, order and style stay as they are. What comes out is read again and
compared with what was meant; a file that is written in a way which this does not grasp is refused, not spoilt.
"""

import copy
import json
from collections.abc import Mapping
from typing import Any, Literal

import yaml

from okube.config.yamldoc import load_documents
from okube.model.errors import Conflict, NotFound, OkubeError

__all__ = ["Section", "with_entry", "with_hosts", "without_entries"]

Section = Literal["managers", "workers"]
_SECTIONS: tuple[Section, Section] = ("managers", "workers")


def with_entry(text: str, section: Section, entry: Mapping[str, Any]) -> str:
    """The text with one more manager or worker, after the others.

    Raises:
        Conflict: the name is taken, or the file is one that has to be changed by hand.
    """
    data = _data(text)
    if _find(data, str(entry["name"])) is not None:
        raise Conflict(f"the file names {entry['name']} already")
    data[section] = [*(data.get(section) or []), dict(entry)]
    return _checked(_appended(text, section, _flow(text, entry)), data, f"add to {section}: {_flow('', entry)}")


def without_entries(text: str, *names: str) -> str:
    """The text without these managers and workers; a name that is not there is no error.

    Raises:
        Conflict: the file is one that has to be changed by hand.
    """
    for name in names:
        data = _data(text)
        found = _find(data, name)
        if found is None:
            continue
        section, index = found
        del data[section][index]
        text = _checked(_removed(text, section, index), data, f"take {name} out of {section}")
    return text


def with_hosts(text: str, hosts: Mapping[str, str]) -> str:
    """The text with other hosts; by the names of managers and workers.

    Raises:
        NotFound: there is none of that name.
        Conflict: the file is one that has to be changed by hand.
    """
    for name, host in hosts.items():
        data = _data(text)
        found = _find(data, name)
        if found is None:
            raise NotFound(f"the file names no {name}")
        section, index = found
        if data[section][index].get("host") == host:
            continue
        data[section][index]["host"] = host
        text = _checked(_rehosted(text, section, index, host), data, f"give {name} the host {host}")
    return text


def _data(text: str) -> dict[str, Any]:
    documents = load_documents(text, source="cluster.yaml")
    if len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise Conflict("the file describes no cluster")
    data: dict[str, Any] = copy.deepcopy(documents[0].data)
    return data


def _find(data: Mapping[str, Any], name: str) -> tuple[Section, int] | None:
    for section in _SECTIONS:
        for index, entry in enumerate(data.get(section) or []):
            if isinstance(entry, Mapping) and entry.get("name") == name:
                return section, index
    return None


def _checked(changed: str | None, meant: Mapping[str, Any], what: str) -> str:
    """The changed text, if it says what was meant."""
    try:
        if changed is not None and _data(changed) == meant:
            return changed
    except OkubeError:
        pass
    raise Conflict(f"the file is written in a way that is not changed here; do it by hand: {what}")


# Where things are in the text. None: it is not written in a way that is known here.


def _sequence(text: str, section: str) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The nodes of a section's key and of its list."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == section), (None, None))


def _appended(text: str, section: str, entry: str) -> str | None:
    key, items = _sequence(text, section)
    if key is None:
        return f"{text if not text or text.endswith(chr(10)) else text + chr(10)}{section}:\n  - {entry}\n"
    if not isinstance(items, yaml.SequenceNode):
        if text[key.end_mark.index :].lstrip(" ").startswith(":") and items is not None and not items.value:
            at = text.index(":", key.end_mark.index) + 1
            return f"{text[:at]}\n  - {entry}{text[max(at, items.end_mark.index) :]}"
        return None
    if items.flow_style:
        if items.value:
            at = items.value[-1].end_mark.index
            return f"{text[:at]}, {entry}{text[at:]}"
        at = items.start_mark.index + 1
        return f"{text[:at]}{entry}{text[at:]}"
    at = _end_of_line(text, _last_index(items.value[-1]))
    dash = _dash(text, items.value[-1])
    if dash is None:
        return None
    indent = text[_begin_of_line(text, dash) : dash]
    return f"{text[:at]}\n{indent}- {entry}{text[at:]}"


def _removed(text: str, section: str, index: int) -> str | None:
    key, items = _sequence(text, section)
    if key is None or not isinstance(items, yaml.SequenceNode):
        return None
    gone = items.value[index]
    if items.flow_style:
        if index + 1 < len(items.value):
            return text[: gone.start_mark.index] + text[items.value[index + 1].start_mark.index :]
        begin = items.value[index - 1].end_mark.index if index else items.start_mark.index + 1
        return text[:begin] + text[gone.end_mark.index :]
    if len(items.value) == 1:
        at = text.index(":", key.end_mark.index) + 1
        return f"{text[:at]} []{text[_last_index(gone) :]}"
    dash = _dash(text, gone)
    if dash is None:
        return None
    return text[: _begin_of_line(text, dash)] + text[_end_of_line(text, _last_index(gone)) + 1 :]


def _rehosted(text: str, section: str, index: int, host: str) -> str | None:
    _, items = _sequence(text, section)
    entry = items.value[index] if isinstance(items, yaml.SequenceNode) else None
    if not isinstance(entry, yaml.MappingNode):
        return None
    for key, value in entry.value:
        if key.value == "host":
            return text[: value.start_mark.index] + _scalar(text, host) + text[value.end_mark.index :]
    return None


def _last_index(node: yaml.Node) -> int:
    """Where the last character of what is written for a node ends; marks of blocks lie after comments that follow."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False):
        return int(node.end_mark.index)
    children = [child for pair in node.value for child in (pair if isinstance(pair, tuple) else (pair,))]
    return max((_last_index(child) for child in children), default=int(node.start_mark.index))


def _dash(text: str, item: yaml.Node) -> int | None:
    """Where the dash of an item stands, if nothing but blanks is between."""
    before = text[: item.start_mark.index].rstrip()
    return len(before) - 1 if before.endswith("-") else None


def _begin_of_line(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _end_of_line(text: str, index: int) -> int:
    found = text.find("\n", index)
    return len(text) if found < 0 else found


# How an entry is written


def _flow(text: str, entry: Mapping[str, Any]) -> str:
    """An entry in one line: as JSON where the file is JSON, else as people write it."""
    if text.lstrip().startswith("{"):
        return json.dumps(dict(entry), ensure_ascii=False)
    dumped = yaml.safe_dump(
        dict(entry), default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return str(dumped).strip()


def _scalar(text: str, host: str) -> str:
    return json.dumps(host) if ":" in host or text.lstrip().startswith("{") else host
