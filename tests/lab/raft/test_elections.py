"""When managers elect, and when they do not: real processes, and links that are cut or lossy."""

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.lab.raft.clients import Load
from tests.lab.raft.site import MANAGERS, Site

_QUIET_S = float(os.environ.get("OKUBE_QUIET_S", "5"))  # `make soak` waits for ten minutes
_ALL = ",".join(MANAGERS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("elections"))
    try:
        yield made
    finally:
        made.destroy()


@pytest.fixture
def site(made: Site) -> Iterator[Site]:
    """All managers take part, and all links are good."""
    yield made
    made.mesh.heal()
    made.cluster.wait(made.cluster.complete, "all managers take part again")


def test_while_one_link_between_managers_is_down_the_leader_stays_whoever_it_is(site: Site) -> None:
    leader = site.cluster.leader()
    followers = [name for name in MANAGERS if name != leader]
    for one, other in ((leader, followers[0]), (followers[0], followers[1])):
        before = site.elections()
        site.mesh.shape(one, other, up=0)
        load = Load(site, random.Random(1))
        try:
            _pass(_QUIET_S)
            load.wait_for(20)
        finally:
            load.stop()
        assert site.elections() == before, site.cluster.tails()
        assert site.cluster.leader() == leader
        site.mesh.heal()
        site.cluster.wait(site.cluster.complete, "all managers take part again")


def test_a_manager_that_lacks_the_link_to_the_leader_alone_serves_as_the_others_do(site: Site) -> None:
    leader = site.cluster.leader()
    cut, other = (name for name in MANAGERS if name != leader)
    before = site.elections()
    site.mesh.shape(leader, cut, up=0)
    only = ("--manager", site.url(cut))
    ok = site.cluster.ok

    def told_by() -> str:
        return str(ok("status", "-o", "json", *only).json["answered_by"])

    site.cluster.wait(lambda: told_by() == other, "who is cut off lets another manager say how things are")
    status = ok("status", "-o", "json", *only).json
    assert (status["quorum"], status["leader"]) == (True, leader)
    ok("run", "--name", "by-way", "--image", "host", "--replicas", "0", *only)
    assert "by-way" in [each["name"] for each in ok("services", "-o", "json", *only).json]
    ok("rm", "by-way", *only)
    assert "by-way" not in [each["name"] for each in ok("services", "-o", "json").json]
    assert site.elections() == before, site.cluster.tails()


def test_at_2_percent_loss_nobody_elects(site: Site) -> None:
    before = site.elections()
    site.mesh.shape(_ALL, _ALL, loss=0.02)
    load = Load(site, random.Random(1))
    try:
        _pass(_QUIET_S)
        load.wait_for(20)
    finally:
        load.stop()
    assert site.elections() == before, site.cluster.tails()


def test_at_30_percent_loss_writes_go_on_with_fewer_than_two_elections_a_minute(site: Site) -> None:
    before = site.elections()
    site.mesh.shape(_ALL, _ALL, loss=0.3)
    load = Load(site, random.Random(1))
    try:
        _pass(_QUIET_S)
        load.wait_for(20)
    finally:
        load.stop()
    elections = site.elections() - before
    print(f"{_QUIET_S:.0f} s at 30 % loss: {len(load.acknowledged) / _QUIET_S:.0f} writes/s, {elections} elections")
    assert elections < max(3.0, 2 * _QUIET_S / 60), site.cluster.tails()  # in seconds alone chance may bring two


def _pass(seconds: float) -> None:
    """How long nothing may happen is what is tested: there is nothing to wait for."""
    time.sleep(seconds)
