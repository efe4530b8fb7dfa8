"""Filters and scores that do not come with Okube, beside those that do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from okube.scheduler.filters import Filter
    from okube.scheduler.policies.score import Score

__all__ = ["NO_EXTENSIONS", "Extensions"]


def _none() -> Mapping[str, "Score"]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Extensions:
    """Filters that every node has to pass after Okube's own, and scores by the names that weights call them."""

    filters: tuple["Filter", ...] = ()
    scores: Mapping[str, "Score"] = field(default_factory=_none)


NO_EXTENSIONS = Extensions()
