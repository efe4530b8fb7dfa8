"""Commands for quotas."""

import msgspec

from okube.model.quota import QuotaKind

__all__ = ["PutQuota", "RemoveQuota"]


class PutQuota(msgspec.Struct, frozen=True, array_like=True, tag="put-quota/1"):
    """How much the services of an app, or those that a user made, may ask for from here on; ``limits`` are amounts."""

    kind: QuotaKind
    name: str
    limits: dict[str, int]
    if_match: int | None = None
    by: str = ""


class RemoveQuota(msgspec.Struct, frozen=True, array_like=True, tag="remove-quota/1"):
    """An app or a user has no quota any more."""

    kind: QuotaKind
    name: str
    if_match: int | None = None
    by: str = ""
