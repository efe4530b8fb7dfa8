from pathlib import Path

import pytest

from okube.model.errors import Conflict
from okube.processes.places import restored_file, restoring_file
from okube.processes.purge import purge_data, refuse_foreign
from tests.unit.processes.builders import a_cluster, sow_once


def test_a_data_directory_of_ours_goes_whole(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    for path in (restoring_file(config.data_dir), restored_file(config.data_dir)):
        path.touch()
    refuse_foreign(config.data_dir, tmp_path / "cluster.yaml")
    purge_data(config.data_dir)
    assert not config.data_dir.exists()


@pytest.mark.parametrize("foreign", ["thesis.tex", "photos/cat.jpg"])
def test_what_is_not_ours_keeps_the_whole_directory(tmp_path: Path, foreign: str) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    path = config.data_dir / foreign
    path.parent.mkdir(exist_ok=True)
    path.write_text("dear")
    with pytest.raises(Conflict, match=f"{Path(foreign).parts[0]}.*Nothing is removed"):
        refuse_foreign(config.data_dir, tmp_path / "cluster.yaml")


def test_the_directory_of_cluster_yaml_itself_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=r"holds cluster\.yaml itself"):
        refuse_foreign(tmp_path, tmp_path / "cluster.yaml")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "real")
    with pytest.raises(Conflict, match="symbolic link"):
        refuse_foreign(tmp_path / "data", tmp_path / "cluster.yaml")


def test_a_link_inside_is_unlinked_and_not_followed(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("dear")
    (config.data_dir / "w1" / "state").symlink_to(tmp_path / "precious")
    purge_data(config.data_dir)
    assert (tmp_path / "precious" / "file").exists()


def test_an_interrupted_purge_goes_on_the_next_time(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    (config.data_dir / "m1").rename(config.data_dir / ".m1.going")
    (config.data_dir / ".m1.going" / "identity.json").unlink()
    refuse_foreign(config.data_dir, tmp_path / "cluster.yaml")
    purge_data(config.data_dir)
    assert not config.data_dir.exists()
