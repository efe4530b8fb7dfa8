"""Command versions on the leader: one is enabled once every manager has said that it knows it.

Until then managers of two versions run side by side, and nothing is proposed that one of them does not know.
"""

import logging
from collections.abc import Mapping

from okube.model.commands import EnableVersion
from okube.model.versions import next_version

__all__ = ["not_enabled", "plan_enabling", "who_holds_back"]

_log = logging.getLogger(__name__)


def plan_enabling(enabled: int, known: Mapping[str, int | None]) -> list[EnableVersion]:
    """What to propose, given what is enabled and what each manager has said it knows (None: it is not heard)."""
    version = next_version(enabled, known)
    if version is None:
        return []
    _log.info("all %d managers know command version %d; enabling it", len(known), version)
    return [EnableVersion(version)]


def who_holds_back(version: int, known: Mapping[str, int | None]) -> str:
    """Which managers keep a version from being enabled, for a sentence; empty where none does."""
    older = [f"{name} knows {knows}" for name, knows in sorted(known.items()) if knows is not None and knows < version]
    silent = [f"{name} is not heard" for name, knows in sorted(known.items()) if knows is None]
    return ", ".join(older + silent)


def not_enabled(version: int, enabled: int, known: Mapping[str, int | None]) -> str:
    """Why a command is refused, and what to do."""
    why = who_holds_back(version, known)
    return (
        f"this needs command version {version}, and the cluster has {enabled}"
        f"{f' because {why}' if why else ''}: upgrade every manager, then it is enabled by itself"
    )
