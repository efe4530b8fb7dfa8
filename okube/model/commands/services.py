"""Commands for services: all or none of those that one command names.

``within``, here and in other commands: whoever asks has these apps alone, and nothing else may be touched; empty: all.
"""

import msgspec

from okube.model.spec import ServiceSpec

__all__ = ["DeleteServices", "PutServices", "RefreshServices", "ScaleServices"]


class PutServices(msgspec.Struct, frozen=True, array_like=True, tag="put-services/1"):
    """Make services, or change them: all or none.

    ``ids`` are for those that are new. ``create`` refuses a name that is there, ``replace`` one that is not,
    ``upsert`` takes both. ``if_match`` is the revision that the (one) service must have. ``prune`` forgets, in the same
    step, the other services of the apps that the specs name.
    """

    specs: tuple[ServiceSpec, ...]
    ids: tuple[str, ...]
    how: str  # create | replace | upsert
    created_by: str = ""
    if_match: int | None = None
    prune: bool = False
    within: tuple[str, ...] = ()


class DeleteServices(msgspec.Struct, frozen=True, array_like=True, tag="delete-services/1"):
    """Forget services; their tasks are stopped and forgotten when they have ended. ``app``: all of that app instead."""

    names: tuple[str, ...]
    if_match: int | None = None
    by: str = ""
    app: str = ""
    within: tuple[str, ...] = ()


class ScaleServices(msgspec.Struct, frozen=True, array_like=True, tag="scale-services/1"):
    """Set how many tasks services should have: all or none."""

    names: tuple[str, ...]
    replicas: tuple[int, ...]
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()


class RefreshServices(msgspec.Struct, frozen=True, array_like=True, tag="refresh-services/1"):
    """``stop``, ``start``, ``restart`` (a new version of the same spec) or ``rollback`` (the spec before).

    With ``app`` it is for those services of the app to which it applies, instead of those that are named.
    """

    names: tuple[str, ...]
    how: str  # stop | start | restart | rollback
    if_match: int | None = None
    by: str = ""
    app: str = ""
    within: tuple[str, ...] = ()
