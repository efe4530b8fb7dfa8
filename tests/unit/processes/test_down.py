import shutil
from pathlib import Path

import pytest

from okube.model.errors import Conflict, OkubeError
from okube.processes.down import down
from okube.processes.lock import runs_in
from okube.processes.settings import key_folder
from okube.processes.up import up
from okube.security import ClusterFiles
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey
from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.settings import WorkerSettings
from tests.unit.processes.builders import a_cluster, bootstrap_to_file, sow_once, stand_in, write_cluster
from tests.unit.security.dice import Dice


def a_running_cluster(folder: Path) -> Path:
    config = write_cluster(folder)
    up(config, True, lambda _: None, command=stand_in(folder), bootstrap=bootstrap_to_file)
    return config


def end(config: Path, *, purge: bool = False) -> list[str]:
    said: list[str] = []
    down(config, purge, said.append, remove_tasks=lambda _: 0)
    return said


def running(folder: Path) -> list[str]:
    files = ClusterFiles(folder / "data")
    return [p.name for p in files.data_dir.iterdir() if runs_in(files.process(p.name))]


def test_nothing_is_left_running_and_the_data_stays(tmp_path: Path) -> None:
    config = a_running_cluster(tmp_path)
    said = end(config)
    assert running(tmp_path) == []
    assert [line.split()[0] for line in said if "ended" in line] == ["w1", "m1", "m2", "m3"]
    assert (tmp_path / "data" / "cluster.json").exists()


def test_a_second_down_finds_nothing_to_end(tmp_path: Path) -> None:
    config = a_running_cluster(tmp_path)
    end(config)
    assert not any("ended" in line for line in end(config))


def test_without_any_data_there_is_nothing_to_do(tmp_path: Path) -> None:
    (line,) = end(write_cluster(tmp_path))
    assert "nothing to end" in line


def test_a_half_made_cluster_is_no_obstacle(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    (config.data_dir / "cluster.json").rename(config.data_dir / "seeding.json")
    shutil.rmtree(config.data_dir / "m2")
    (config.data_dir / "m3" / "identity.json").write_text("{")
    end(tmp_path / "cluster.yaml", purge=True)
    assert not config.data_dir.exists()


def test_a_process_that_the_file_no_longer_names_is_ended_too(tmp_path: Path) -> None:
    config = a_running_cluster(tmp_path)
    config.write_text("\n".join(line for line in config.read_text().splitlines() if "name: m3" not in line))
    end(config)
    assert running(tmp_path) == []


def test_the_containers_of_every_worker_go_after_all_processes(tmp_path: Path) -> None:
    config = a_running_cluster(tmp_path)
    removed: list[str] = []

    def remove(settings: WorkerSettings) -> int:
        assert running(tmp_path) == []
        assert settings.directory == tmp_path / "data" / settings.name
        removed.append(settings.name)
        return 2

    said: list[str] = []
    down(config, False, said.append, remove_tasks=remove)
    assert removed == ["w1"]
    assert any("w1" in line and "2 containers removed" in line for line in said)


def test_containers_that_may_still_run_keep_the_data_from_being_purged(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)

    def refuse(_: WorkerSettings) -> int:
        raise RuntimeUnavailable("the engine does not answer")

    with pytest.raises(OkubeError, match="containers of w1 may still run: the engine does not answer"):
        down(tmp_path / "cluster.yaml", True, lambda _: None, remove_tasks=refuse)
    assert (config.data_dir / "cluster.json").exists()


def test_purge_removes_the_data(tmp_path: Path) -> None:
    config = a_running_cluster(tmp_path)
    said = end(config, purge=True)
    assert not (tmp_path / "data").exists()
    assert f"removed {tmp_path / 'data'}" in said


def test_purge_leaves_the_keys_and_says_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = write_cluster(tmp_path)
    made = a_cluster(tmp_path)
    keys = key_folder(made, sow_once(made).seed.cluster_id)
    KeyFiles(keys).write(UnlockKey.new(Dice()))
    said = end(config, purge=True)
    assert KeyFiles(keys).read() is not None
    assert any(str(keys) in line and "snapshots" in line for line in said)


def test_purge_refuses_before_it_ends_anything(tmp_path: Path) -> None:
    config = a_running_cluster(tmp_path)
    (tmp_path / "data" / "thesis.tex").write_text("dear")
    with pytest.raises(Conflict, match="thesis"):
        end(config, purge=True)
    assert sorted(running(tmp_path)) == ["m1", "m2", "m3", "w1"]
    end(config)


def test_the_containers_of_an_engine_that_was_ended_are_no_worry(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    (config.data_dir / ".engine").mkdir()

    def refuse(_: WorkerSettings) -> int:
        raise RuntimeUnavailable("the engine does not answer")

    down(tmp_path / "cluster.yaml", False, lambda _: None, remove_tasks=refuse)
