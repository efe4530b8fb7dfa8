from pathlib import Path

from msgspec.structs import replace

from okube.processes.differences import differences
from tests.unit.processes.builders import a_cluster, sow_once


def test_the_file_that_made_the_cluster_does_not_differ(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    assert differences(config, sow_once(config).seed) == []


def test_changed_workers_are_no_difference(tmp_path: Path) -> None:
    config = a_cluster(tmp_path, workers=2)
    seed = sow_once(config).seed
    assert differences(replace(config, workers=config.workers[:1]), seed) == []


def test_a_manager_too_many_in_the_file_is_named(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    (found,) = differences(config, replace(seed, members=seed.members[:2]))
    assert "names manager m3" in found and "'okube managers add m3' has it join" in found


def test_a_manager_that_joined_since_and_has_its_folder_here_is_no_difference(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    assert differences(config, replace(seed, members=seed.members[:2]), made=["m3"]) == []


def test_a_manager_missing_in_the_file_is_named(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    (found,) = differences(replace(config, managers=config.managers[1:]), seed)
    assert "Manager m1 is a manager of the cluster" in found and "'okube managers remove m1'" in found


def test_a_changed_port_is_named_with_both(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    moved = replace(config.managers[1], port=9)
    (found,) = differences(replace(config, managers=(config.managers[0], moved, config.managers[2])), seed)
    assert "127.0.0.1:9 " in found and f"127.0.0.1:{config.managers[1].port} " in found
