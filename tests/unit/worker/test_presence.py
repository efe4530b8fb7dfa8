"""Agents of one machine know of each other's clusters."""

import os
from pathlib import Path

import pytest

from okube.worker.presence import living_clusters, present


def test_a_cluster_lives_while_one_of_its_agents_does(tmp_path: Path) -> None:
    places = (tmp_path / "run", tmp_path / "tmp")
    assert living_clusters(places) == set()
    with present("a", "w1", places), present("b", "w1", places):
        with present("a", "w2", places):
            assert living_clusters(places) == {"a", "b"}
        assert living_clusters(places) == {"a", "b"}
    assert living_clusters(places) == set()


def test_a_file_that_nobody_holds_is_of_a_dead_agent(tmp_path: Path) -> None:
    (tmp_path / "a.w1").touch()
    assert living_clusters((tmp_path,)) == set()


def test_where_the_first_place_cannot_be_made_the_second_serves(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    places = (tmp_path / "file" / "agents", tmp_path / "tmp")
    with present("a", "w1", places):
        assert living_clusters(places) == {"a"}


def test_where_no_place_for_temporary_files_can_be_written_agents_are_looked_for_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    assert "a" not in living_clusters()
    with present("a", "w1"):  # a unit that may write below /run alone starts
        assert os.geteuid() != 0 or "a" in living_clusters()
