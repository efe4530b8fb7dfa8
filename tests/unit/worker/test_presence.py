"""Agents of one machine know of each other's clusters."""

from pathlib import Path

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
