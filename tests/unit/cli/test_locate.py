import os
from collections.abc import Callable
from pathlib import Path

import pytest

from okube.cli import locate
from okube.cli.exits import BadInput
from okube.cli.locate import cluster_facts, find_cluster_file

TEXT = """\
cluster: lab
data_dir: .data
managers:
  - {name: m1, host: 192.0.2.11, port: 7101}
  - {name: m2, host: "2001:db8::2", port: 7102}
"""


@pytest.fixture
def file(home: Path) -> Path:
    path = home / "cluster.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def unloadable(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From then on cluster.yaml must not be read again."""

    def forbid() -> None:
        def load(_: Path) -> None:
            raise AssertionError("the file was read again")

        monkeypatch.setattr(locate, "_load", load)

    return forbid


def test_the_facts_are_the_managers_and_the_data_directory(file: Path) -> None:
    facts = cluster_facts(file)
    assert facts.managers == ("192.0.2.11:7101", "[2001:db8::2]:7102")
    assert facts.data_dir == str(file.parent / ".data")


def test_an_unchanged_file_is_not_read_again(file: Path, unloadable: Callable[[], None]) -> None:
    facts = cluster_facts(file)
    unloadable()
    assert cluster_facts(file) == facts


def test_a_changed_file_is_read_again(file: Path) -> None:
    cluster_facts(file)
    file.write_text(TEXT.replace("192.0.2.11", "192.0.2.99"))
    assert cluster_facts(file).managers[0] == "192.0.2.99:7101"


def test_a_damaged_cache_is_no_cache(file: Path, home: Path) -> None:
    facts = cluster_facts(file)
    for damage in (b"", b"\xff\xff", b'{"a": 1}', b"[]"):
        (home / ".cache" / "okube" / "clusters.json").write_bytes(damage)
        assert cluster_facts(file) == facts


def test_a_home_that_cannot_be_written_does_no_harm(file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home / "cluster.yaml"))  # a file, so that no folder can be made in it
    assert cluster_facts(file).managers


def test_every_error_of_a_wrong_file_is_a_line(file: Path) -> None:
    file.write_text(TEXT.replace("cluster: lab", "cluster: 7").replace("port: 7101", "prt: 7101"))
    with pytest.raises(BadInput) as raised:
        cluster_facts(file)
    assert len(raised.value.lines) >= 2
    assert all("cluster.yaml:" in line for line in raised.value.lines)


def test_the_option_goes_before_the_variable_before_the_folder_before_home(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".okube").mkdir()
    own = home / ".okube" / "cluster.yaml"
    other, asked = home / "other.yaml", home / "asked.yaml"
    for path in (own, other, asked):
        path.write_text(TEXT)
    monkeypatch.setenv("OKUBE_CONFIG", str(other))
    assert find_cluster_file(str(asked)) == asked
    assert find_cluster_file(None) == other
    monkeypatch.delenv("OKUBE_CONFIG")
    assert find_cluster_file(None) == file
    os.unlink(file)
    assert find_cluster_file(None) == own
    own.unlink()
    assert find_cluster_file(None) is None


def test_a_manager_is_looked_for_where_it_moved_before_where_the_file_says(file: Path) -> None:
    facts = cluster_facts(file)
    assert locate.managers_of(facts) == facts.managers
    members = '{"members": [{"name": "m1", "host": "192.0.2.61", "port": 7101}]}'
    (file.parent / ".data").mkdir()
    (file.parent / ".data" / "cluster.json").write_text(members)
    assert locate.managers_of(facts) == ("192.0.2.61:7101", "192.0.2.11:7101", "[2001:db8::2]:7102")
    (file.parent / ".data" / "cluster.json").write_text("{")
    assert locate.managers_of(facts) == facts.managers
