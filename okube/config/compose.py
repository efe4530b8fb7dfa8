"""From a parser's events to plain data with line numbers; what YAML and JSON have in common.

Plain data here means dicts with text for keys, lists, text, numbers, true, false and nothing. Aliases are unfolded, and
``<<`` merged, within a budget, so that a small file cannot grow into a large one.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

__all__ = ["MAX_DEPTH", "MAX_UNFOLDED", "Alias", "Composer", "End", "Event", "Scalar", "Start", "Trouble"]

MAX_DEPTH = 64
MAX_UNFOLDED = 4 << 20
"""Characters, with 8 for each value, that a file may have once its aliases are unfolded."""

_COST_OF_A_VALUE = 8
_SURROGATE = re.compile("[\ud800-\udfff]")


class Trouble(Exception):
    """The file cannot be read beyond this line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class Scalar(msgspec.Struct, frozen=True):
    """A text, number, truth value or nothing; ``merges`` marks the key ``<<`` where it is not quoted."""

    line: int
    value: Any
    anchor: str | None = None
    merges: bool = False


class Start(msgspec.Struct, frozen=True):
    """A mapping or a sequence begins; up to its End follow its items, or its keys and values by turns."""

    line: int
    kind: Literal["mapping", "sequence"]
    anchor: str | None = None


class End(msgspec.Struct, frozen=True):
    """The mapping or sequence ends."""


class Alias(msgspec.Struct, frozen=True):
    """Here stands again what was anchored before."""

    line: int
    name: str


Event = Scalar | Start | End | Alias


class _Sequence(msgspec.Struct):
    line: int
    items: list["_Node"]


class _Mapping(msgspec.Struct):
    line: int
    pairs: list[tuple["_Node", "_Node"]]


_Node = Scalar | _Sequence | _Mapping


class Composer:
    """Composes the documents of one file, which share one budget.

    ``problems`` collects what is wrong without being in the way of reading on: line, field path, message.
    """

    def __init__(self) -> None:
        self.problems: list[tuple[int, str, str]] = []
        self._told: dict[int, _Node] = {}  # by id, and kept alive for it: an alias repeats no problem
        self._left = MAX_UNFOLDED

    def document(self, events: Iterator[Event]) -> tuple[Any, dict[str, int]]:
        """The data of one document, and the line of each field path.

        Raises:
            Trouble: an alias without an anchor, too deep, too large, or text that is none.
        """
        root = _Tree(events).node(next(events), 0)
        lines = {"": root.line}
        return self._unfold(root, "", lines, 0), lines

    def _unfold(self, node: _Node, path: str, lines: dict[str, int], depth: int) -> Any:
        self._spend(node, depth)
        if isinstance(node, Scalar):
            return node.value
        if isinstance(node, _Sequence):
            return [self._item(item, f"{path}[{n}]", lines, depth) for n, item in enumerate(node.items)]
        made: dict[str, Any] = {}
        for name, (key, value) in self._fields(node, path, depth).items():
            where = f"{path}.{name}" if path else name
            lines[where] = key.line
            made[name] = self._unfold(value, where, lines, depth + 1)
        return made

    def _item(self, item: _Node, path: str, lines: dict[str, int], depth: int) -> Any:
        lines[path] = item.line
        return self._unfold(item, path, lines, depth + 1)

    def _fields(self, node: _Mapping, path: str, depth: int) -> dict[str, tuple[_Node, _Node]]:
        """The keys of a mapping: its own, then those it merges and does not have."""
        own: dict[str, tuple[_Node, _Node]] = {}
        merged: list[_Node] = []
        for key, value in node.pairs:
            self._spend(key, depth)
            if isinstance(key, Scalar) and key.merges:
                merged.append(value)
            elif not isinstance(key, Scalar) or not isinstance(key.value, str):
                self._problem(key, path, _no_text(key))
            elif key.value in own:
                where = f"{path}.{key.value}" if path else key.value
                self._problem(key, where, f"is given twice; first in line {own[key.value][0].line}")
            else:
                own[key.value] = (key, value)
        for value in merged:
            for source in value.items if isinstance(value, _Sequence) else [value]:
                if not isinstance(source, _Mapping):
                    raise Trouble(source.line, "'<<' takes in mappings only: an alias of one, or a list of aliases")
                self._spend(source, depth)
                own = self._fields(source, path, depth + 1) | own
        return own

    def _problem(self, key: _Node, path: str, message: str) -> None:
        if id(key) not in self._told:
            self._told[id(key)] = key
            self.problems.append((key.line, path, message))

    def _spend(self, node: _Node, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Trouble(node.line, f"this is nested more than {MAX_DEPTH} deep")
        text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        if _SURROGATE.search(text):
            raise Trouble(node.line, "this text holds half of a character (a lone surrogate such as \\ud800)")
        self._left -= _COST_OF_A_VALUE + len(text)
        if self._left < 0:
            raise Trouble(
                node.line,
                f"the file grows beyond {MAX_UNFOLDED >> 20} MiB here, with each '*alias' replaced by what it stands "
                "for: use fewer aliases, or split the file",
            )


class _Tree:
    """The nodes of one document, with aliases leading to what they stand for."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._anchors: dict[str, _Node] = {}

    def node(self, event: Event, depth: int) -> _Node:
        """The node that begins with this event."""
        if isinstance(event, Alias):
            return self._anchored(event)
        assert not isinstance(event, End), "parsers end only what they have begun"
        made = event if isinstance(event, Scalar) else self._collection(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = made
        return made

    def _anchored(self, alias: Alias) -> _Node:
        if alias.name not in self._anchors:
            raise Trouble(
                alias.line, f"'*{alias.name}' stands for nothing: no '&{alias.name}' has come to its end before it"
            )
        return self._anchors[alias.name]

    def _collection(self, start: Start, depth: int) -> _Node:
        if depth >= MAX_DEPTH:
            raise Trouble(start.line, f"this is nested more than {MAX_DEPTH} deep")
        nodes = []
        while not isinstance(event := next(self._events), End):
            nodes.append(self.node(event, depth + 1))
        if start.kind == "sequence":
            return _Sequence(start.line, nodes)
        return _Mapping(start.line, list(zip(nodes[::2], nodes[1::2], strict=True)))


def _no_text(key: _Node) -> str:
    if not isinstance(key, Scalar):
        return "a mapping or list stands as a key; keys are text (a value with '{' or '[' in front needs quotes)"
    shown = {None: "an empty key", True: "the key true", False: "the key false"}
    found = shown[key.value] if key.value is None or isinstance(key.value, bool) else f"the key {key.value}"
    return f"{found} is not text; put it in quotes"
