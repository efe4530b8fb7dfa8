from pathlib import Path

import msgspec
import pytest

from okube.model.errors import Unauthorized
from okube.model.wire import ExpiredQuestion
from okube.security import Identity, TlsFiles
from okube.security.expired import prove, proved
from okube.security.issue import install
from okube.security.requests import new_key, request_for
from tests.unit.security.conftest import NOW_MS, Cluster

LONG_AGO_MS = NOW_MS - 400 * 86_400_000
REQUEST = request_for(new_key())


@pytest.fixture
def question(cluster: Cluster, tmp_path: Path) -> ExpiredQuestion:
    return asked(cluster, tmp_path / "w1")


def asked(cluster: Cluster, folder: Path) -> ExpiredQuestion:
    install(cluster.authority, Identity(cluster.cluster_id, "worker", "w1", "i1"), TlsFiles(folder), now_ms=LONG_AGO_MS)
    return prove(TlsFiles(folder), REQUEST)


def test_who_has_the_key_of_a_certificate_that_has_ended_is_who_it_says(
    cluster: Cluster, question: ExpiredQuestion
) -> None:
    found = proved(question, cluster.authority.certificate_pem)
    assert found == Identity(cluster.cluster_id, "worker", "w1", "i1")


def test_a_certificate_of_another_ca_proves_nothing(cluster: Cluster, foreign_cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(Unauthorized, match="no CA that is trusted"):
        proved(asked(foreign_cluster, tmp_path / "foreign"), cluster.authority.certificate_pem)


def test_the_certificate_of_another_is_of_no_use(cluster: Cluster, question: ExpiredQuestion, tmp_path: Path) -> None:
    other = asked(cluster, tmp_path / "other")
    with pytest.raises(Unauthorized, match="does not have the key"):
        proved(msgspec.structs.replace(question, certificate=other.certificate), cluster.authority.certificate_pem)


def test_the_proof_is_for_one_request(cluster: Cluster, question: ExpiredQuestion) -> None:
    with pytest.raises(Unauthorized, match="does not have the key"):
        proved(msgspec.structs.replace(question, request=request_for(new_key())), cluster.authority.certificate_pem)


@pytest.mark.parametrize("part", ["certificate", "signature"])
@pytest.mark.parametrize("value", [b"", b"nothing", b"\x30\x06\x02\x01\x00\x02\x01\x00"])
def test_garbage_proves_nothing(cluster: Cluster, question: ExpiredQuestion, part: str, value: bytes) -> None:
    with pytest.raises(Unauthorized):
        proved(msgspec.structs.replace(question, **{part: value}), cluster.authority.certificate_pem)
