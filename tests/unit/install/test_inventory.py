"""Which machines cluster.yaml means, and how they are reached."""

from pathlib import Path

import pytest

from okube.install.inventory import machines_of
from okube.model.errors import InvalidInput
from tests.unit.install.rack import a_cluster, a_file

TWO = """
cluster: lab
managers:
  - {name: m1, host: 192.0.2.11, port: 7101%s}
workers:
  - {name: w1, host: 192.0.2.11, port: 7201%s}
  - {name: w2, host: 192.0.2.12, port: 7201%s}
"""


def test_entries_with_one_host_are_one_machine() -> None:
    machines = machines_of(a_cluster())
    assert [machine.names for machine in machines] == [("m1", "w1"), ("m2", "w2"), ("m3", "w3")]
    assert machines[0].label == "192.0.2.11 (m1, w1)"


def test_only_the_machines_of_what_is_named_are_taken_each_with_all_of_its_own() -> None:
    assert [machine.names for machine in machines_of(a_cluster(), only=["w2"])] == [("m2", "w2")]


def test_without_a_word_root_logs_in_at_the_usual_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    access = machines_of(a_file(tmp_path, TWO % ("", "", "")))[0].access
    assert (access.where, access.sudo, access.identity_file) == ("root@192.0.2.11", "auto", None)
    assert access.known_hosts == Path("/home/op/.ssh/known_hosts")


def test_an_entry_says_more_than_the_file_as_a_whole_and_paths_are_relative_to_it(tmp_path: Path) -> None:
    own = ", ssh: {host: 198.51.100.7, port: 2222}"
    text = TWO % ("", "", own) + "ssh: {user: admin, identity_file: keys/id, sudo: always}\n"
    first, second = machines_of(a_file(tmp_path, text))
    assert first.access.where == "admin@192.0.2.11"
    assert second.access.where == "admin@198.51.100.7:2222"
    assert second.access.identity_file == tmp_path / "keys" / "id"
    assert second.access.sudo == "always"


def test_one_machine_that_is_reached_in_two_ways_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"workers\[0\].ssh.port: 2222 here and 22 at managers\[0\]"):
        machines_of(a_file(tmp_path, TWO % (", ssh: {port: 22}", ", ssh: {port: 2222}", "")))


def test_what_one_entry_says_holds_for_the_other_of_the_same_machine(tmp_path: Path) -> None:
    first, _ = machines_of(a_file(tmp_path, TWO % ("", ", ssh: {user: admin}", "")))
    assert first.access.user == "admin"


def test_two_machines_at_one_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="are both reached at root@"):
        machines_of(a_file(tmp_path, TWO % ("", "", ", ssh: {host: 192.0.2.11}")))
