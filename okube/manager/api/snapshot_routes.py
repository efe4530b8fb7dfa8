"""The table of routes, the part about saved snapshots, and about who goes on alone."""

from okube.manager.api.route import Answer, Route
from okube.manager.api.route_parts import STALE
from okube.model.manager_views import SnapshotView
from okube.model.recovery import RecoveryAnswer, RecoveryOrder, SurvivorView

__all__ = ["RECOVERY", "SNAPSHOTS"]

SNAPSHOTS = (
    Route(
        method="GET",
        path="/v1/snapshot",
        name="save_snapshot",
        group="snapshots",
        role="admin",
        noted=True,
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
        role="operator",
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
        role="operator",
        text="The snapshots that this manager keeps; managers ask each other.",
        answers=(Answer(text="the snapshots", of=list[SnapshotView]),),
    ),
)

RECOVERY = (
    Route(
        method="GET",
        path="/v1/recovery",
        name="survivors",
        group="recovery",
        role="admin",
        text="Every manager that this one knows of, and what it has: what a decision about a lost majority needs.",
        answers=(Answer(text="the managers", of=list[SurvivorView]),),
    ),
    Route(
        method="GET",
        path="/v1/recovery/own",
        name="own_survivor",
        group="recovery",
        role="admin",
        text="What this manager has; managers ask each other.",
        answers=(Answer(text="the manager", of=SurvivorView),),
    ),
    Route(
        method="POST",
        path="/v1/recovery",
        name="recover",
        group="recovery",
        role="admin",
        text="Have the manager that is named go on alone, because the majority is gone for good. It is refused while "
        "there is a leader or a majority answers, where another one that answers has more, and where the manager has "
        "changed since the caller looked. A copy of the state is saved first.",
        body=RecoveryOrder,
        answers=(
            Answer(text="the copy, where it was only to be prepared", of=RecoveryAnswer),
            Answer(status=202, text="it goes on alone in a moment", of=RecoveryAnswer),
        ),
        errors=(404, 409),
    ),
)
