"""What the rules about whom a service calls and by whom it is called come to."""

from dataclasses import dataclass
from functools import lru_cache

from okube.scheduler.groups import CallRule

__all__ = ["Talk", "talk_of"]

_RULES_KEPT = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Talk:
    """The rules of a group about whom it calls and by whom it is called, read once for all groups with equal rules.

    ``draws`` is whether others depend on the group, and ``waiting`` are the rules that it may have to wait for.
    """

    rules: tuple[CallRule, ...]
    services: frozenset[str]
    draws: bool
    moves_room: bool
    waiting: tuple[CallRule, ...]

    @classmethod
    def of(cls, rules: tuple[CallRule, ...]) -> "Talk":
        """The rules, read."""
        return cls(
            rules,
            frozenset(rule.service for rule in rules),
            any(rule.depends for rule in rules),
            any((rule.depends and rule.limited) or rule.min_bandwidth_bps > 0 for rule in rules),
            tuple(rule for rule in rules if not rule.depends and (rule.awaited or not rule.service)),
        )

    def is_steady(self, service: str) -> bool:
        """Whether a task of the service that is placed changes nothing in the verdict for the next one."""
        return not self.draws and service not in self.services


_SILENT = Talk.of(())
_read = lru_cache(maxsize=_RULES_KEPT)(Talk.of)


def talk_of(rules: tuple[CallRule, ...]) -> Talk:
    """The rules, read; the same object for equal rules, mostly."""
    return _read(rules) if rules else _SILENT
