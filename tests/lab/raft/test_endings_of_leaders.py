"""A leader whose process ends is followed at once: the election time-out of these managers is ten seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, runtime="process", managers=3, workers=0, timing={"election": "10s"})
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def test_the_others_do_not_wait_for_the_election_time_out_when_the_leader_is_killed(patient: Cluster) -> None:
    leader = patient.leader()
    patient.kill(leader)
    another_leads = lambda: patient.json("status")["leader"] not in (None, leader)  # noqa: E731  # reads best here
    patient.wait(another_leads, "another leads, long before the time-out", seconds=6)
