from pathlib import Path

from okube.processes.alone import leave_behind
from okube.security import ClusterFiles
from okube.security.seed import read_seed
from tests.unit.processes.builders import a_cluster, sow_once


def test_who_was_left_behind_starts_no_more_here_and_is_known_no_more(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    files = ClusterFiles(config.data_dir)
    leave_behind(config.data_dir, "m1", ["m2", "m3"])
    assert [m.name for m in read_seed(files.seed).members] == ["m1"]
    assert [files.process(name).removed.exists() for name in ("m1", "m2", "m3", "w1")] == [False, True, True, False]


def test_a_machine_without_the_cluster_has_nothing_to_remember(tmp_path: Path) -> None:
    leave_behind(tmp_path, "m1", ["m2"])
    assert list(tmp_path.iterdir()) == []
