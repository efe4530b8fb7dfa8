"""The JSON shapes of the API: one struct for each thing that it answers or takes; `contract.md` fixes the names.

Servers make their answers of them, `/openapi.json` is generated from them, and the typed client reads into them. Memory
and disk are bytes, cpus are cores, times are RFC 3339 in UTC. A new field goes to the end of its struct, with a default
where an older manager may leave it out. Here is what all share: times and revisions, events, lines of watches, errors;
what belongs to one kind of thing is in the module of its name, such as ``node_views``.
"""

from typing import Annotated, Any, Literal

import msgspec

from okube.model.event import EventKind, Level, SubjectKind

__all__ = ["EventView", "Problem", "ProblemField", "Revision", "Time", "WatchLine"]

Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Revision = Annotated[int, msgspec.Meta(ge=0, description="The change of the cluster's state that made it so.")]


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: ``count`` times, or to so many, first at ``first_time`` and last at ``time``.

    ``by`` is who asked for it; empty: the cluster itself.
    """

    id: str
    time: Time | None
    first_time: Time | None
    count: Annotated[int, msgspec.Meta(ge=1)]
    level: Level
    kind: EventKind
    subject_kind: SubjectKind
    subject: str
    service: str | None
    task_id: str | None
    node: str | None
    reason: str | None
    message: str
    by: str
    revision: Revision


class WatchLine(msgspec.Struct, frozen=True):
    """One line of a watch: an object that is new or changed, or one that is gone or not let pass by the filters now.

    A ``mark`` has no object: everything up to its revision has been told, and the stream lives.
    """

    type: Literal["put", "delete", "mark"]
    revision: Revision
    object: Any = msgspec.UNSET


class ProblemField(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (a path such as ``ports[0].host``) and what would be right."""

    path: str
    message: str


class Problem(msgspec.Struct, frozen=True):
    """An error (RFC 9457); ``type`` ends in the kind of it, ``detail`` is a sentence for people."""

    type: Annotated[str, msgspec.Meta(examples=["urn:okube:error:not-found"])]
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str
    errors: tuple[ProblemField, ...] = ()
