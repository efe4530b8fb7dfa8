"""Quotas: how much of a cluster the services of an app may ask for together, or those that a user made.

Amounts are whole numbers by name: ``cpus`` in thousandths of a core, ``memory`` and ``disk`` in bytes, ``tasks``,
``services``, and named resources by their own names, none of which is one of these.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, get_args

import msgspec

from okube.model.errors import FieldError
from okube.model.names import name_error
from okube.model.quantities import format_bytes, rfc3339
from okube.model.resources import Bytes, Cpus, counts_error, may_be_named
from okube.model.views import Revision, Time

__all__ = [
    "MAX_QUOTAS",
    "QUOTA_KINDS",
    "Amounts",
    "Quota",
    "QuotaAmounts",
    "QuotaKind",
    "QuotaLimits",
    "QuotaView",
    "beyond",
    "owner_error",
    "quota_view",
    "write_amount",
]

QuotaKind = Literal["app", "user"]
QUOTA_KINDS: tuple[QuotaKind, ...] = get_args(QuotaKind)
MAX_QUOTAS = 1000
_MOST = 1_000_000_000
_USUAL = ("cpus", "memory", "disk", "tasks", "services")

Amounts = Mapping[str, int]


def _check_most(count: int) -> str | None:
    return None if 0 <= count <= _MOST else f"{count} is out of range: 0 to {_MOST}"


Most = Annotated[int, msgspec.Meta(extra={"check": _check_most}, extra_json_schema={"minimum": 0, "maximum": _MOST})]
MostNamed = Annotated[dict[str, Most], msgspec.Meta(extra={"check": counts_error})]


class QuotaLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is allowed; what is left out is not limited, and 0 allows none.

    A named resource is written beside the others (``gpu: 2``), or below ``named``.
    """

    rest: ClassVar[str] = "named"

    cpus: Cpus | None = None
    memory: Bytes | None = None
    disk: Bytes | None = None
    tasks: Most | None = None
    services: Most | None = None
    named: MostNamed = {}

    @staticmethod
    def takes(key: str) -> bool:
        """Whether a key that is no field is the name of a resource."""
        return may_be_named(key)

    def problems(self) -> Iterator[FieldError]:
        """A quota that limits nothing."""
        if not self.amounts:
            yield FieldError("", f"nothing is limited: give one of {', '.join(_USUAL)}, or a named resource")

    @property
    def amounts(self) -> dict[str, int]:
        """What is limited, and to how much."""
        given = {"cpus": None if self.cpus is None else round(self.cpus * 1000)}
        given |= {name: getattr(self, name) for name in _USUAL[1:]}
        return {name: most for name, most in given.items() if most is not None} | self.named


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """One row; ``limits`` are amounts."""

    kind: QuotaKind
    name: str
    limits: dict[str, int]
    by: str = ""
    changed_ms: int = 0
    revision: int = 0


class QuotaAmounts(msgspec.Struct, frozen=True, kw_only=True):
    """Cores, bytes and numbers; null is not limited."""

    cpus: float | None = None
    memory: int | None = None
    disk: int | None = None
    tasks: int | None = None
    services: int | None = None
    named: dict[str, int] = {}


class QuotaView(msgspec.Struct, frozen=True, kw_only=True):
    """A quota: what the services of an app, or those that a user made, may ask for, and what they ask for now.

    ``over`` are sentences on what is above it: nothing of that is stopped, and nothing more is let in.
    """

    kind: QuotaKind
    name: str
    limits: QuotaAmounts
    used: QuotaAmounts
    over: tuple[str, ...]
    changed_by: str
    changed_at: Time | None
    revision: Revision


def quota_view(quota: Quota, used: Amounts) -> QuotaView:
    """A quota as the API shows it, where its services ask for so much."""
    named = {name: 0 for name in quota.limits if name not in _USUAL}
    return QuotaView(
        kind=quota.kind,
        name=quota.name,
        limits=_shown(quota.limits),
        used=_shown({**dict.fromkeys(_USUAL, 0), **named, **used}),
        over=tuple(beyond(quota.limits, used)),
        changed_by=quota.by,
        changed_at=rfc3339(quota.changed_ms),
        revision=quota.revision,
    )


def beyond(limits: Amounts, used: Amounts) -> Iterator[str]:
    """What is above its limit: ``memory: 18.0 GiB of 16.0 GiB``."""
    for name, most in limits.items():
        now = used.get(name, 0)
        if now > most:
            yield f"{name}: {' of '.join(write_amount(name, amount, apart=(now, most)) for amount in (now, most))}"


def write_amount(name: str, amount: int, *, apart: tuple[int, ...] = ()) -> str:
    """An amount as people read it: ``2.5`` (cores), ``16.0 GiB``, ``3``.

    Bytes are written out to the last where the shorter form would show some of ``apart`` alike.
    """
    if name in ("memory", "disk"):
        shown = {format_bytes(each) for each in apart}
        return format_bytes(amount) if len(shown) == len(set(apart)) else f"{amount} bytes"
    return f"{amount / 1000:.10g}" if name == "cpus" else str(amount)


def owner_error(kind: str, name: str) -> str | None:
    """What is wrong with whose quota it should be, as a sentence."""
    if kind not in QUOTA_KINDS:
        return f"{kind!r} has no quotas: they are of an app or of a user, such as app:shop or user:alice"
    return name_error(name)


def _shown(amounts: Amounts) -> QuotaAmounts:
    cpus = amounts.get("cpus")
    return QuotaAmounts(
        cpus=None if cpus is None else cpus / 1000,
        memory=amounts.get("memory"),
        disk=amounts.get("disk"),
        tasks=amounts.get("tasks"),
        services=amounts.get("services"),
        named={name: amount for name, amount in sorted(amounts.items()) if name not in _USUAL},
    )
