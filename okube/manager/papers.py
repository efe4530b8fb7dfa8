"""What managers and agents show, as the leader of now was told: in its memory alone, as is when they were heard.

And what follows from it: a warning for whoever did not renew in time.
"""

from collections.abc import Iterable, Iterator

from okube.model.commands import TellOfCertificates
from okube.model.wire import Papers

__all__ = ["PapersBook", "ends_soon", "warning"]

Ending = tuple[str, str, int]
"""Whose certificate ends: ``manager``, ``node`` or ``cluster``, the name, and when (milliseconds since 1970, UTC)."""

_MONTH_MS = 30 * 86_400_000
_AGAIN_MS = 86_400_000
_ALWAYS_MS = 5 * 60_000


class PapersBook:
    """The papers of each manager and of each node's agent, by name, and who was warned about when."""

    def __init__(self) -> None:
        self.managers: dict[str, Papers] = {}
        self.nodes: dict[str, Papers] = {}
        self._warned_ms: dict[tuple[str, str], int] = {}

    def warnings(self, ca_ends_ms: int | None, present: Iterable[tuple[str, str]], now_ms: int) -> list[Ending]:
        """Of whom to warn now, once a day each: (kind, name, when it ends).

        Args:
            ca_ends_ms: when the CA that signs ends, if that is known.
            present: the kind and name of all that take part.
            now_ms: milliseconds since 1970, UTC.
        """
        found = list(_ending(self, present, now_ms))
        if ca_ends_ms is not None and ca_ends_ms - now_ms < _MONTH_MS:
            found.append(("cluster", "", ca_ends_ms))
        new = [each for each in found if now_ms - self._warned_ms.get(each[:2], -_AGAIN_MS) >= _AGAIN_MS]
        self._warned_ms.update((each[:2], now_ms) for each in new)
        return new


def ends_soon(papers: Papers, now_ms: int) -> bool:
    """Whether a certificate should have been renewed long ago: a month before its end, or in its last third."""
    left_ms, life_ms = papers.ends_ms - now_ms, papers.ends_ms - papers.begins_ms
    return left_ms < min(_MONTH_MS, life_ms / 3) and life_ms > _ALWAYS_MS


def warning(found: list[Ending]) -> list[TellOfCertificates]:
    """The command that tells of these, if there are any."""
    if not found:
        return []
    kinds, names, ends = zip(*found, strict=True)
    return [TellOfCertificates(kinds, names, ends)]


def _ending(book: PapersBook, present: Iterable[tuple[str, str]], now_ms: int) -> Iterator[Ending]:
    for kind, name in present:
        papers = (book.managers if kind == "manager" else book.nodes).get(name)
        if papers is not None and ends_soon(papers, now_ms):
            yield kind, name, papers.ends_ms
