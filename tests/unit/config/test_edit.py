"""cluster.yaml is changed where it stands, and what nobody asked to change stays."""

import pytest

from okube.config.edit import with_entry, with_hosts, without_entries
from okube.model.errors import Conflict, NotFound

BLOCKS = """\
# Our cluster, in the hall.
cluster: hall
managers:
  # The first rack
  - {name: m1, host: 192.0.2.11, port: 7101}
  - {name: m2, host: 192.0.2.12, port: 7101}   # since spring
  # The second rack
  - name: m3
    host: 192.0.2.13   # the old one
    port: 7101
workers:
  - name: w1
    host: 192.0.2.21
    port: 7201
    labels:
      disk: ssd

  - {name: w2, host: 192.0.2.22, port: 7201}
# How long
timing: {heartbeat: 1s}
"""

FLOW = """\
{"cluster": "hall",
 "managers": [{"name": "m1", "host": "192.0.2.11", "port": 7101}, {"name": "m2", "host": "192.0.2.12", "port": 7101}],
 "workers": []}
"""


def test_a_worker_is_written_after_the_others_in_their_indentation() -> None:
    changed = with_entry(BLOCKS, "workers", {"name": "w3", "host": "192.0.2.23", "port": 7201, "zone": "rack-b"})
    assert changed == BLOCKS.replace(
        "  - {name: w2, host: 192.0.2.22, port: 7201}\n",
        "  - {name: w2, host: 192.0.2.22, port: 7201}\n  - {name: w3, host: 192.0.2.23, port: 7201, zone: rack-b}\n",
    )


def test_an_entry_follows_one_that_takes_several_lines() -> None:
    changed = with_entry(BLOCKS, "managers", {"name": "m4", "host": "192.0.2.14", "port": 7101})
    assert "    port: 7101\n  - {name: m4, host: 192.0.2.14, port: 7101}\nworkers:\n" in changed


def test_a_comment_behind_the_last_entry_stays_with_it() -> None:
    text = BLOCKS.replace("port: 7201}\n# How", "port: 7201} # mine\n# How")
    changed = with_entry(text, "workers", {"name": "w3", "host": "192.0.2.23", "port": 7201})
    assert "port: 7201} # mine\n  - {name: w3" in changed


def test_an_entry_without_a_section_begins_one() -> None:
    text = "cluster: hall\nmanagers:\n- {name: m1, host: 192.0.2.11, port: 7101}"
    changed = with_entry(text, "workers", {"name": "w1", "host": "192.0.2.21", "port": 7201})
    assert changed == text + "\nworkers:\n  - {name: w1, host: 192.0.2.21, port: 7201}\n"


@pytest.mark.parametrize("empty", ["workers:", "workers: []", "workers: ~", "workers:   # none yet"])
def test_an_entry_is_the_first_of_an_empty_section(empty: str) -> None:
    text = f"cluster: hall\n{empty}\nmanagers:\n- {{name: m1, host: 192.0.2.11, port: 7101}}\n"
    try:
        changed = with_entry(text, "workers", {"name": "w1", "host": "192.0.2.21", "port": 7201})
    except Conflict as error:
        assert "by hand" in error.detail
        return
    assert "name: w1" in changed
    assert "name: m1" in changed


def test_in_json_what_is_added_is_json() -> None:
    changed = with_entry(FLOW, "workers", {"name": "w1", "host": "192.0.2.21", "port": 7201})
    assert '"workers": [{"name": "w1", "host": "192.0.2.21", "port": 7201}]' in changed
    changed = with_entry(changed, "workers", {"name": "w2", "host": "192.0.2.22", "port": 7201})
    assert '7201}, {"name": "w2", "host": "192.0.2.22", "port": 7201}]' in changed


def test_a_name_that_is_taken_is_not_written_twice() -> None:
    with pytest.raises(Conflict, match="names m2 already"):
        with_entry(BLOCKS, "workers", {"name": "m2", "host": "192.0.2.23", "port": 7201})


def test_an_entry_goes_with_its_lines_and_its_comment_and_no_others() -> None:
    assert without_entries(BLOCKS, "m2") == BLOCKS.replace(
        "  - {name: m2, host: 192.0.2.12, port: 7101}   # since spring\n", ""
    )
    assert "disk: ssd" not in without_entries(BLOCKS, "w1")
    assert without_entries(BLOCKS, "m3") == BLOCKS.replace(
        "  - name: m3\n    host: 192.0.2.13   # the old one\n    port: 7101\n", ""
    )


def test_the_last_entry_of_a_section_leaves_an_empty_one() -> None:
    text = "cluster: hall\nworkers:\n  - {name: w1, host: 192.0.2.21, port: 7201}\n# end\nruntime: docker\n"
    assert without_entries(text, "w1") == "cluster: hall\nworkers: []\n# end\nruntime: docker\n"


def test_entries_of_a_list_in_one_line_go_with_their_comma() -> None:
    assert '"managers": [{"name": "m2"' in without_entries(FLOW, "m1")
    assert '"port": 7101}],' in without_entries(FLOW, "m2")
    text = "cluster: hall\nworkers: [{name: w1, host: 192.0.2.21, port: 7201}]\n"
    assert without_entries(text, "w1") == "cluster: hall\nworkers: []\n"


def test_a_name_that_is_not_there_changes_nothing() -> None:
    assert without_entries(BLOCKS, "w9") == BLOCKS


def test_a_host_changes_alone() -> None:
    assert with_hosts(BLOCKS, {"m3": "192.0.2.33"}) == BLOCKS.replace("192.0.2.13", "192.0.2.33")
    assert with_hosts(BLOCKS, {"m2": "db.example.com"}) == BLOCKS.replace("192.0.2.12", "db.example.com")
    assert with_hosts(BLOCKS, {"w2": "2001:db8::22"}) == BLOCKS.replace("192.0.2.22", '"2001:db8::22"')
    assert with_hosts(FLOW, {"m1": "192.0.2.31"}) == FLOW.replace("192.0.2.11", "192.0.2.31")


def test_a_host_that_is_so_already_changes_nothing() -> None:
    assert with_hosts(BLOCKS, {"m1": "192.0.2.11"}) == BLOCKS


def test_the_host_of_nobody_is_refused() -> None:
    with pytest.raises(NotFound, match="names no w9"):
        with_hosts(BLOCKS, {"w9": "192.0.2.9"})


def test_a_file_with_anchors_is_left_to_its_owner() -> None:
    text = (
        "cluster: hall\nmanagers:\n- &m {name: m1, host: 192.0.2.11, port: 7101}\n"
        "workers:\n- {<<: *m, name: w1, port: 7201}\n"
    )
    with pytest.raises(Conflict, match="do it by hand: take m1 out of managers"):
        without_entries(text, "m1")
    with pytest.raises(Conflict, match="by hand: give w1 the host"):
        with_hosts(text, {"w1": "192.0.2.21"})
