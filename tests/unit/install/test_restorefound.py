"""Who is who, when a cluster is restored on machines of which some may be those of before."""

from pathlib import Path

import msgspec
import pytest

from okube.install.bundle import Manifest
from okube.install.release import Package
from okube.install.restorefound import (
    Found,
    judge,
    managers_before,
    refuse_former,
    refuse_living,
    refuse_older,
)
from okube.model.errors import Conflict
from okube.model.versions import COMMAND_VERSION
from okube.security.seed import Member, ProcessIdentity, Seed
from tests.unit.install.rack import a_cluster

NODES = {"w1": "i1", "w2": "i2", "w3": "i3"}
NAMES = ("m1", "m2", "m3", "w1", "w2", "w3")


def found(**there: ProcessIdentity | None) -> Found:
    return judge(a_cluster(), NODES, {**dict.fromkeys(NAMES), **there})


def a_worker(name: str, instance: str) -> ProcessIdentity:
    return ProcessIdentity("worker", "abc", name, instance)


def test_on_bare_machines_all_workers_are_new_and_all_nodes_of_the_snapshot_are_lost() -> None:
    assert found() == Found(former=(), new_workers=("w1", "w2", "w3"), kept=(), lost=("w1", "w2", "w3"), apart=())


def test_a_worker_that_the_snapshot_knows_comes_along() -> None:
    those = found(w2=a_worker("w2", "i2"))
    assert (those.kept, those.new_workers, those.lost) == (("w2",), ("w1", "w3"), ("w1", "w3"))
    assert any("w2 comes along" in line for line in those.says())


def test_a_worker_that_was_made_anew_after_the_snapshot_stays_and_the_one_before_is_lost() -> None:
    those = found(w2=a_worker("w2", "later"))
    assert "w2" not in those.new_workers + those.kept
    assert "w2" in those.lost


def test_a_worker_that_came_after_the_snapshot_stays_and_none_is_lost_for_it() -> None:
    those = judge(a_cluster(), {}, {"w1": a_worker("w1", "i1")})
    assert those == Found(former=(), new_workers=(), kept=(), lost=(), apart=())


def test_nodes_of_machines_that_do_not_answer_or_are_not_in_the_file_stay_known() -> None:
    those = judge(a_cluster(), {**NODES, "w9": "i9"}, {"m1": None, "w1": None})
    assert those.apart == ("w2", "w3", "w9")
    assert (those.lost, those.new_workers) == (("w1",), ("w1",))
    assert any("okube nodes rm" in line for line in those.says())


def test_managers_folders_that_are_there_are_of_before() -> None:
    those = found(m2=ProcessIdentity("manager", "abc", "m2", "i"))
    assert those.former == ("m2",)
    with pytest.raises(Conflict, match=r"machines of m2 have .* --anew"):
        refuse_former(those)
    refuse_former(found())


def test_managers_of_before_are_looked_for_at_the_addresses_that_machines_know() -> None:
    first, *_ = a_cluster().managers
    stays, moved = Member("m1", "i", first.host, first.port, 8101), Member("m1", "i", "192.0.2.99", 7101, 8101)
    seeds = [Seed("lab", "abc", "", (stays, moved)), Seed("lab", "abc", "", (moved,))]
    assert managers_before(a_cluster(), seeds) == [moved]
    with pytest.raises(Conflict, match=r"m1 at 192\.0\.2\.99:7101.* --anew"):
        refuse_living([moved])
    refuse_living([])


def test_a_bundle_whose_okube_could_not_read_the_state_is_refused() -> None:
    manifest = Manifest(version="0.1.0", command_version=COMMAND_VERSION, wheels={}, targets={})
    refuse_older(Package(Path("b.tar.gz"), manifest))
    older = msgspec.structs.replace(manifest, command_version=COMMAND_VERSION - 1)
    with pytest.raises(Conflict, match=r"has Okube 0\.1\.0, which cannot read"):
        refuse_older(Package(Path("b.tar.gz"), older))
