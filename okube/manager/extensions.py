"""Filters and scores of installed packages, found by their entry points ``okube.filters`` and ``okube.scores``."""

import logging
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from okube.model.names import is_dns_label
from okube.scheduler import Extensions

__all__ = ["FILTERS_GROUP", "SCORES_GROUP", "extensions_of", "installed"]

FILTERS_GROUP = "okube.filters"
SCORES_GROUP = "okube.scores"
_FILTER_PARTS = ("name", "room", "explain")
_SCORE_PARTS = ("name", "reach", "applies", "costs")
_log = logging.getLogger(__name__)


def installed() -> Extensions:
    """What the packages of this machine bring along."""
    return extensions_of(entry_points(group=FILTERS_GROUP), entry_points(group=SCORES_GROUP))


def extensions_of(filters: Iterator[EntryPoint] | Any, scores: Iterator[EntryPoint] | Any) -> Extensions:
    """What these entry points lead to; each names a class, or something that makes a filter or score when called.

    One that cannot be loaded, or is not what it should be, is left out with an error in the log: a manager that does
    not start for it would be worse than a policy that lacks a score.
    """
    found = [score for score in _made(scores, _SCORE_PARTS) if _is_named(score)]
    return Extensions(tuple(_made(filters, _FILTER_PARTS)), {score.name: score for score in found})


def _made(points: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    for point in sorted(points, key=lambda each: (each.name, each.value)):
        try:
            made = point.load()()
        except Exception:  # it is somebody else's code, and anything can be wrong with it
            _log.exception("the extension %s (%s) cannot be loaded, and is left out", point.name, point.value)
            continue
        missing = [part for part in parts if not hasattr(made, part)]
        if missing:
            _log.error("the extension %s (%s) has no %s: left out", point.name, point.value, ", ".join(missing))
        else:
            _log.info("the extension %s (%s) is in use", point.name, point.value)
            yield made


def _is_named(score: Any) -> bool:
    right = isinstance(score.name, str) and is_dns_label(score.name)
    if not right:
        _log.error("a score is called %r, which is no DNS label, so no weight can name it: left out", score.name)
    return right
