"""Which managers there are, and which are none any more: for agents, who cannot read the log's membership."""

from okube.model.commands import NoteManagers
from tests.builders import Cluster


def left(cluster: Cluster) -> tuple[str, ...]:
    return cluster.tables.settings.left_managers


def test_who_is_noted_no_more_has_left() -> None:
    cluster = Cluster()
    cluster.apply(NoteManagers(("i1", "i2", "i3")))
    assert left(cluster) == ()
    cluster.apply(NoteManagers(("i1", "i3", "i4")), NoteManagers(("i3", "i4")))
    assert left(cluster) == ("i2", "i1")
    assert cluster.tables.settings.managers == ("i3", "i4")


def test_who_is_a_manager_has_never_left() -> None:
    cluster = Cluster()
    cluster.apply(NoteManagers(("i1", "i2")), NoteManagers(("i1",)), NoteManagers(("i1", "i2")))
    assert left(cluster) == ()


def test_of_very_many_that_left_the_newest_are_remembered() -> None:
    cluster = Cluster()
    for number in range(100):
        cluster.apply(NoteManagers((f"i{number}",)))
    assert left(cluster) == tuple(f"i{number}" for number in range(35, 99))
