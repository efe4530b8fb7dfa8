"""Which processes move with a machine."""

from pathlib import Path

import pytest

from okube.config import ClusterConfig, cluster_of, load_documents
from okube.install.readdress import Move, moves_of, pairs_of
from okube.model.errors import InvalidInput, NotFound

TEXT = """
cluster: hall
managers:
  - {name: m1, host: 192.0.2.11, port: 7101}
  - {name: m2, host: 192.0.2.12, port: 7101, raft_port: 9000}
workers:
  - {name: w1, host: 192.0.2.11, port: 7201}
  - {name: w9, host: "2001:db8::9", port: 7201}
"""


def a_config() -> ClusterConfig:
    return cluster_of(load_documents(TEXT)[0], Path("/srv/okube/cluster.yaml"))


def test_all_that_is_on_a_machine_moves_with_it() -> None:
    assert moves_of(a_config(), {"192.0.2.11": "192.0.2.71"}) == (
        Move("m1", "manager", "192.0.2.71", 7101, 8101),
        Move("w1", "worker", "192.0.2.71", 7201),
    )


def test_addresses_are_as_the_cluster_writes_them() -> None:
    (m2,) = moves_of(a_config(), {"192.0.2.12": "2001:db8::12"})
    assert (m2.address, m2.raft_address) == ("[2001:db8::12]:7101", "[2001:db8::12]:9000")


def test_a_host_may_be_written_in_another_way() -> None:
    assert [move.name for move in moves_of(a_config(), {"2001:DB8:0::9": "192.0.2.79"})] == ["w9"]


def test_what_was_told_before_is_told_again() -> None:
    assert [move.name for move in moves_of(a_config(), {"192.0.2.5": "192.0.2.12"})] == ["m2"]


def test_a_machine_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(NotFound, match=r"no manager or worker of cluster.yaml is at 192\.0\.2\.5; they are at 192"):
        moves_of(a_config(), {"192.0.2.5": "192.0.2.6"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("192.0.2.11",), "write OLD-HOST=NEW-HOST"),
        (("192.0.2.11=0.0.0.0",), "every address of a machine"),
        (("192.0.2.11=192.0.2.1:7101",), "the port with the key"),
        (("192.0.2.11=192.0.2.1", "192.0.2.12=192.0.2.1"), "two machines cannot both be at 192.0.2.1"),
        (("192.0.2.11=192.0.2.1", "192.0.2.11=192.0.2.2"), "named twice"),
    ],
)
def test_words_that_name_no_move_are_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        pairs_of(words)
    assert said in "; ".join(error.message for error in caught.value.errors)
