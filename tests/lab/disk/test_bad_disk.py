"""Syncs that fail, and syncs that stay slow, at a manager under load; strace is the bad disk."""

import os
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.disk.joined import Strace
from tests.lab.disk.small import SmallDisks
from tests.lab.disk.writers import Writers

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may trace any process")


def _bad_disk(cluster: Cluster, name: str, output: Path, inject: str) -> Strace:
    pid = cluster.pid(name)
    assert pid is not None
    return Strace(pid, output, [cluster.data_dir / name / "raft" / "journal"], inject=inject)


def test_an_error_of_a_sync_ends_the_manager_and_nothing_is_lost(
    small: tuple[Cluster, SmallDisks], tmp_path: Path
) -> None:
    cluster, _ = small
    leader = cluster.leader()
    with Writers(cluster) as writers:
        writers.more(20)
        strace = _bad_disk(cluster, leader, tmp_path / "strace", "error=EIO:when=5")
        cluster.wait(lambda: cluster.pid(leader) is None, f"{leader} has ended")
        lines = strace.end()
        writers.more(20)
        cluster.ok("up", "-d")
        cluster.wait(cluster.complete, f"{leader} is back")
        writers.more(20)
    assert sum("fdatasync" in line and "EIO" in line for line in lines) == 1, "it was not tried again"
    log = (cluster.data_dir / leader / "log").read_text()
    assert f"manager {leader} cannot run: it cannot keep its log in" in log
    assert writers.lost() == []


def test_a_leader_whose_syncs_stay_slow_hands_the_lead_over(small: tuple[Cluster, SmallDisks], tmp_path: Path) -> None:
    cluster, _ = small
    slow = cluster.leader()
    with Writers(cluster) as writers:
        writers.more(20)
        strace = _bad_disk(cluster, slow, tmp_path / "strace", "delay_enter=1000000")
        cluster.wait(lambda: cluster.leader() != slow, f"{slow} leads no longer")
        writers.more(20)
        strace.end()
    cluster.wait(cluster.complete, "all are ready")
    assert "the disk is slow" in (cluster.data_dir / slow / "log").read_text()
    assert writers.lost() == []


def test_a_torn_end_is_cut_off_and_damage_before_it_stops_the_manager_with_what_to_do(
    small: tuple[Cluster, SmallDisks],
) -> None:
    cluster, _ = small
    leader = cluster.leader()
    name = next(name for name in cluster.managers if name != leader)
    journal = cluster.data_dir / name / "raft" / "journal"
    with Writers(cluster) as writers:
        writers.more(20)
        cluster.kill(name)
        whole = journal.read_bytes()
        with journal.open("ab") as file:
            file.write(whole[-200:-100] + os.urandom(100))
        cluster.ok("up", "-d")
        cluster.wait(cluster.complete, f"{name} is back")
        writers.more(20)
        cluster.kill(name)
        whole = journal.read_bytes()
        place = len(whole) // 2
        journal.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        refused = cluster.okube("up", "-d")
        writers.more(20)
        journal.write_bytes(whole)
        cluster.ok("up", "-d")
        cluster.wait(cluster.complete, f"{name} is back")
    assert refused.status == 1, refused
    said = " ".join(refused.err.split())
    assert "it is damaged at byte" in said
    assert "To replace it: 'okube managers remove NAME', then 'okube managers add NAME'" in said
    assert writers.lost() == []
