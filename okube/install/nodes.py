"""What is looked at before one process of a cluster comes, goes or is replaced, and the steps in which that is done.

Each change is a loop: look at the machine and at the cluster, take the one step that is next, look again. Nothing is
remembered between steps, so it may be interrupted anywhere and called again; the plan that is shown beforehand is the
same decision, fed with what each step should bring about (``okube.install.nodes_plan``).
"""

from typing import Literal

import msgspec

__all__ = ["Done", "InCluster", "OnMachine", "Role", "Step", "Verb"]

Role = Literal["manager", "worker"]
Verb = Literal[
    "install",  # package, files, rights and unit, as the plan of an installation has them; nothing is started
    "set-aside",  # the folder of an earlier process of that name, under a name that nothing starts from
    "join",  # with a token of its own
    "start",  # until it serves
    "wait",  # until it takes part
    "drain",  # until no task is left there
    "stop",  # end it, and have it started no more at boot
    "forget",  # the cluster knows it no more, and lets this instance in no more
    "clear",  # its unit and its folder are removed from the machine
]


class OnMachine(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine says of one process.

    ``laid_out``: package, files and unit are there as they should be, and the unit is enabled. ``cluster_id`` and
    ``instance`` are those of its folder, ``drawn`` is the instance with which a join was begun and not finished.
    ``damaged``: the folder is there, and nothing in it says whose it is. ``unit``: there is a unit file of it;
    ``enabled``: the next boot starts it; ``runs``: there may be a process now; ``serves``: it has told that it serves.
    """

    reachable: bool = True
    laid_out: bool = False
    cluster_id: str = ""
    instance: str = ""
    drawn: str = ""
    damaged: bool = False
    unit: bool = False
    enabled: bool = False
    runs: bool = False
    serves: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or will by itself."""
        return self.runs or self.enabled

    @property
    def has_remains(self) -> bool:
        """Whether there is anything of the process on the machine."""
        return bool(self.instance or self.drawn or self.damaged or self.unit)


class InCluster(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster says of a node or manager: ``answers`` is whether it takes part now.

    ``voter`` is a manager's: until it has what the others have it learns. ``empty`` is a node's: it was drained, and
    holds no task.
    """

    instance: str
    host: str
    answers: bool = True
    voter: bool = True
    empty: bool = False


class Step(msgspec.Struct, frozen=True):
    """One step, and what it does, in words that follow the name of the process.

    ``former`` says that it is done on the machine that the process was on, not on the one where it is to be.
    """

    verb: Verb
    what: str
    former: bool = False


class Done(msgspec.Struct, frozen=True):
    """Nothing is left to do; the sentence says how things are, and ``notes`` what a person may want to see to."""

    what: str
    notes: tuple[str, ...] = ()
