"""The table of routes, the part about saved snapshots."""

from okube.manager.api.route import Answer, Route
from okube.manager.api.route_parts import STALE
from okube.model.views import SnapshotView

__all__ = ["SNAPSHOTS"]

SNAPSHOTS = (
    Route(
        method="GET",
        path="/v1/snapshot",
        name="save_snapshot",
        group="snapshots",
        text="The whole state of this moment as one file, which `okube snapshot restore` takes. It holds what services "
        "hold, environments included, and not the key of the CA.",
        parameters=(STALE,),
        answers=(Answer(text="the file", media="application/octet-stream", headers=("Okube-Revision", "Okube-Age")),),
    ),
    Route(
        method="GET",
        path="/v1/snapshots",
        name="list_snapshots",
        group="snapshots",
        text="The snapshots that managers keep, each on its own machine, the newest first; those of a manager that "
        "does not answer are left out.",
        parameters=(STALE,),
        answers=(Answer(text="the snapshots", of=list[SnapshotView]),),
    ),
    Route(
        method="GET",
        path="/v1/snapshots/own",
        name="own_snapshots",
        group="snapshots",
        text="The snapshots that this manager keeps; managers ask each other.",
        answers=(Answer(text="the snapshots", of=list[SnapshotView]),),
    ),
)
