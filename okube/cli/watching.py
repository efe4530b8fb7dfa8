"""``--watch``: a list in place on a terminal, a line for each change in a pipe."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from okube.cli.columns import columns_of
from okube.cli.exits import interruptible
from okube.cli.feed import Change, Listed, News, Source, Tell, Trouble, poll
from okube.cli.moments import now_ms
from okube.cli.output import as_yaml, note
from okube.cli.screen import Screen, is_terminal
from okube.cli.session import Session
from okube.cli.table import StreamTable, render
from okube.cli.terminal import on_resize
from okube.client.api import OkubeClient

__all__ = ["watch", "watch_list"]

Row = dict[str, Any]
_TICK_S = 1.0  # ages move on
_SHORTEST_FRAME_S = 0.05
_RESIZED = Trouble("\0")
_Waiting = queue.SimpleQueue[News | Trouble | BaseException]


def watch_list(
    here: Session,
    kind: str,
    source: Source,
    *,
    key: str = "name",
    order: Callable[[Row], Any] | None = None,
    in_place: bool = True,
) -> None:
    """Show a list and its changes until the user has seen enough.

    Args:
        here: how to show it.
        kind: of the table.
        source: the list and its changes.
        key: the field that tells rows apart.
        order: how rows are sorted.
        in_place: whether a terminal shows the list as it is now, not the story of its changes.
    """
    by = order or (lambda row: str(row.get(key)))
    with interruptible():
        if here.output in ("json", "yaml"):
            _as_data(here, source(here.client(), _say))
        elif in_place and is_terminal():
            table = _Table(kind, key, by, wide=here.output == "wide")
            _on_screen(here, source, table)
        else:
            _as_lines(kind, key, by, source(here.client(), _say), wide=here.output == "wide", marked=in_place)


def watch(
    here: Session,
    look: Callable[[OkubeClient], Any],
    draw: Callable[[Any, int, int], list[str]],
    line: Callable[[Any], str],
    *,
    every_s: float,
) -> None:
    """The same for what is no list: looked at again and again, drawn in place, or a line for each change.

    Args:
        here: how to show it.
        look: what there is now.
        draw: the lines for a screen of that many columns and rows.
        line: one line, for a pipe.
        every_s: between looks.
    """

    def source(client: OkubeClient, tell: Tell) -> Iterator[News]:
        return poll(lambda: [{"key": "", "found": look(client)}], tell=tell, key="key", every_s=every_s)

    with interruptible():
        if here.output not in ("json", "yaml") and is_terminal():
            _on_screen(here, source, _Whole(draw))
            return
        said = None
        for news in source(here.client(), _say):
            found = (news.rows[0] if isinstance(news, Listed) else news.object)["found"]
            text = _encoded(here, found) if here.output in ("json", "yaml") else line(found)
            if text != said:
                said = text
                _print(text)


class _Table:
    """The rows as they are now, as lines."""

    def __init__(self, kind: str, key: str, by: Callable[[Row], Any], *, wide: bool) -> None:
        self._kind = kind
        self._key = key
        self._by = by
        self._wide = wide
        self._rows: dict[object, Row] = {}

    def take(self, news: Listed | Change) -> None:
        if isinstance(news, Listed):
            self._rows = {row.get(self._key): row for row in news.rows}
        elif news.type == "delete":
            self._rows.pop(news.object.get(self._key), None)
        else:
            self._rows[news.object.get(self._key)] = news.object

    def lines(self, columns: int, rows: int) -> list[str]:
        shown = sorted(self._rows.values(), key=self._by)
        if not shown:
            return [f"no {self._kind}"]
        count = min(len(shown), max(1, rows - 1))
        while True:
            lines = render(shown[:count], columns_of(self._kind, now_ms()), wide=self._wide, width=columns)
            more = [f"… {len(shown) - count} more"] if count < len(shown) else []
            over = len(lines) + len(more) - rows
            if over <= 0 or count == 1:
                return [*lines, *more]
            count -= max(1, over // 2)  # a row may take two lines


class _Whole:
    """Something that is drawn whole."""

    def __init__(self, draw: Callable[[Any, int, int], list[str]]) -> None:
        self._draw = draw
        self._found: Any = None

    def take(self, news: Listed | Change) -> None:
        self._found = (news.rows[0] if isinstance(news, Listed) else news.object)["found"]

    def lines(self, columns: int, rows: int) -> list[str]:
        return self._draw(self._found, columns, rows)


def _on_screen(here: Session, source: Source, content: "_Table | _Whole") -> None:
    waiting: _Waiting = queue.SimpleQueue()
    _start(here, source, waiting)
    first = _taken(waiting.get())  # what is refused is said on the usual screen
    assert isinstance(first, Listed)
    content.take(first)
    trouble = ""
    screen = Screen(sys.stdout)
    with screen.shown(), on_resize(lambda: waiting.put(_RESIZED)):
        while True:
            columns, rows = screen.size
            foot = ["", f"{trouble}; what is shown may be old"] if trouble else []
            screen.draw([*content.lines(columns, rows - len(foot)), *foot])
            time.sleep(_SHORTEST_FRAME_S)
            for news in _all_that_waits(waiting):
                if news is _RESIZED:
                    screen.clear()
                elif isinstance(news, Trouble):
                    trouble = news.sentence
                else:
                    content.take(news)


def _all_that_waits(waiting: _Waiting) -> Iterator[News | Trouble]:
    """What has come, after a tick at the latest."""
    try:
        yield _taken(waiting.get(timeout=_TICK_S))
        while True:
            yield _taken(waiting.get_nowait())
    except queue.Empty:
        return


def _as_lines(kind: str, key: str, by: Callable[[Row], Any], news: Iterable[News], *, wide: bool, marked: bool) -> None:
    table = StreamTable(columns_of(kind, now_ms()), wide=wide)
    known: set[object] = set()
    for one in news:
        table.columns = columns_of(kind, now_ms())
        if isinstance(one, Listed):
            known = {row.get(key) for row in one.rows}
            marks = [("now", row) for row in sorted(one.rows, key=by)]
        else:
            number = one.object.get(key)
            marks = [("gone" if one.type == "delete" else "changed" if number in known else "new", one.object)]
            known.add(number)
            if one.type == "delete":
                known.discard(number)
        for mark, row in marks:
            _print("\n".join(table.lines(row, mark if marked else None)))


def _as_data(here: Session, news: Iterable[News]) -> None:
    """``{"type": "put" | "delete", "revision", "object"}`` for each change, and first for each that there is."""
    for one in news:
        if isinstance(one, Listed):
            for row in one.rows:
                _print(_encoded(here, {"type": "put", "revision": row.get("revision"), "object": row}))
        else:
            _print(_encoded(here, msgspec.to_builtins(one)))


def _encoded(here: Session, data: object) -> str:
    return msgspec.json.encode(data).decode() if here.output == "json" else f"---\n{as_yaml(data)}".rstrip("\n")


def _start(here: Session, source: Source, waiting: _Waiting) -> None:
    def run() -> None:
        try:
            for news in source(here.client(), waiting.put):
                waiting.put(news)
        except BaseException as error:
            waiting.put(error)

    threading.Thread(target=run, daemon=True).start()


def _taken(news: News | Trouble | BaseException) -> News | Trouble:
    if isinstance(news, BaseException):
        raise news
    return news


def _say(trouble: Trouble) -> None:
    note(f"okube: {trouble.sentence or 'the managers answer again'}")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
