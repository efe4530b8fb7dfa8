"""cluster.yaml is changed at once, or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from okube.config.edit import with_entry, with_hosts
from okube.config.rewrite import rewritten
from okube.model.errors import BadFile, Conflict, InvalidInput

TEXT = "# ours\ncluster: hall\nmanagers:\n  - {name: m1, host: 192.0.2.11, port: 7101}\n"


def a_file(folder: Path) -> Path:
    path = folder / "cluster.yaml"
    path.write_text(TEXT)
    path.chmod(0o640)
    return path


def add(port: int) -> Callable[[str], str]:
    return lambda text: with_entry(text, "workers", {"name": "w1", "host": "192.0.2.11", "port": port})


def test_nothing_is_written_before_it_is_asked_for(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    made = rewritten(path, add(7201))
    assert [worker.name for worker in made.config.workers] == ["w1"]
    assert path.read_text() == TEXT
    made.write()
    assert path.read_text() == TEXT + "workers:\n  - {name: w1, host: 192.0.2.11, port: 7201}\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["cluster.yaml"]


def test_a_cluster_that_cannot_be_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="7101"):
        rewritten(a_file(tmp_path), add(7101))


def test_what_somebody_else_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    made = rewritten(path, add(7201))
    path.write_text(TEXT + "# another remark\n")
    with pytest.raises(Conflict, match="changed meanwhile"):
        made.write()
    assert path.read_text().endswith("# another remark\n")


def test_a_file_without_a_change_is_left_alone(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    made = rewritten(path, lambda text: with_hosts(text, {"m1": "192.0.2.11"}))
    assert not made.is_changed
    path.unlink()
    made.write()
    assert not path.exists()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    rewritten(link, add(7201)).write()
    assert link.is_symlink()
    assert "w1" in path.read_text()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nowhere\.yaml cannot be read"):
        rewritten(tmp_path / "nowhere.yaml", str)
