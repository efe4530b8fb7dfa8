import time
from pathlib import Path

import pytest
from cryptography import x509

from okube.manager.api.caller import peer
from okube.manager.certificates import of_agent, of_expired, of_manager
from okube.manager.signing import Signer, authority_in
from okube.model.errors import Conflict, Forbidden, NotFound
from okube.model.wire import CertificateQuestion, ExpiredQuestion
from okube.security import Identity, TlsFiles
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import create_ca, load_ca, save_ca
from okube.security.expired import prove
from okube.security.issue import install
from okube.security.requests import new_key, request_for
from tests.unit.manager.conftest import Api

NOW_MS = int(time.time() * 1000)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    save_ca(create_ca("lab", "c1", now_ms=NOW_MS), ca_files(tmp_path))
    return Signer("c1", authority_in(ca_files(tmp_path)), lambda: NOW_MS)


def ca_files(folder: Path) -> AuthorityFiles:
    return AuthorityFiles(folder / "data", folder / "keys")


@pytest.fixture
def question() -> CertificateQuestion:
    return CertificateQuestion(request_for(new_key()))


def told_by(pem: bytes) -> tuple[str, list[str]]:
    """The subject, and the names that are no addresses."""
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = [str(name.value) for name in names if not isinstance(name, x509.IPAddress)]
    return certificate.subject.rfc4514_string(), found


@pytest.mark.parametrize("instance", ["", "i-w1"])
async def test_an_agent_gets_a_certificate_for_the_node_that_it_is(
    api: Api, signer: Signer, question: CertificateQuestion, instance: str
) -> None:
    await api.node("w1")
    answer = of_agent(api.core, signer, peer("worker", "w1", instance), question)
    assert told_by(answer.certificate) == ("CN=w1,OU=worker,O=c1", ["w1.worker.c1.okube", "okube:instance:i-w1"])
    assert answer.trusted == signer.trusted()


async def test_an_agent_that_is_no_node_gets_none(api: Api, signer: Signer, question: CertificateQuestion) -> None:
    with pytest.raises(NotFound, match="registers before"):
        of_agent(api.core, signer, peer("worker", "w1"), question)


async def test_an_agent_whose_name_another_has_now_gets_none(
    api: Api, signer: Signer, question: CertificateQuestion
) -> None:
    await api.node("w1")
    with pytest.raises(Forbidden, match="w1 is instance i-w1 now"):
        of_agent(api.core, signer, peer("worker", "w1", "before"), question)


async def test_a_manager_gets_one_for_its_instance_and_addresses(
    api: Api, signer: Signer, question: CertificateQuestion
) -> None:
    answer = of_manager(api.core, signer, peer("manager", "m1", "i1"), question)
    subject, names = told_by(answer.certificate)
    assert subject == "CN=m1,OU=manager,O=c1"
    assert names == ["m1.manager.c1.okube", "manager.okube", "localhost", "okube:instance:i1"]
    certificate = x509.load_pem_x509_certificate(answer.certificate)
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in found.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


@pytest.mark.parametrize(("name", "instance"), [("m9", "i9"), ("m1", "before")])
async def test_who_is_no_manager_any_more_gets_none(
    api: Api, signer: Signer, question: CertificateQuestion, name: str, instance: str
) -> None:
    with pytest.raises(Forbidden, match="no manager of this cluster any more"):
        of_manager(api.core, signer, peer("manager", name, instance), question)


async def test_a_leader_without_the_ca_says_what_to_do(api: Api, question: CertificateQuestion) -> None:
    without = Signer("c1", authority_in(None), lambda: NOW_MS)
    with pytest.raises(Conflict, match=r"put ca\.crt into .*, and ca\.key into its key_dir"):
        of_manager(api.core, without, peer("manager", "m1"), question)


def an_expired(tmp_path: Path, who: Identity) -> ExpiredQuestion:
    """What somebody asks whose certificate of the CA in ``data`` ended years ago."""
    files = TlsFiles(tmp_path / who.name)
    install(load_ca(ca_files(tmp_path)), who, files, now_ms=1_600_000_000_000)
    return prove(files, request_for(new_key()))


@pytest.mark.parametrize(
    ("who", "subject"),
    [
        (Identity("c1", "worker", "w1", "i-w1"), "CN=w1,OU=worker,O=c1"),
        (Identity("c1", "manager", "m1", "i1"), "CN=m1,OU=manager,O=c1"),
    ],
)
async def test_who_takes_part_still_renews_a_certificate_that_has_ended(
    api: Api, signer: Signer, tmp_path: Path, who: Identity, subject: str
) -> None:
    await api.node("w1")
    answer = of_expired(api.core, signer, an_expired(tmp_path, who))
    assert told_by(answer.certificate)[0] == subject
    assert x509.load_pem_x509_certificate(answer.certificate).not_valid_after_utc.timestamp() * 1000 > NOW_MS


@pytest.mark.parametrize(
    "who",
    [
        Identity("c1", "worker", "w9", "i9"),
        Identity("c1", "worker", "w1", "before"),
        Identity("c1", "manager", "m9", "i9"),
        Identity("c1", "manager", "m1", "before"),
        Identity("c1", "admin", "admin"),
        Identity("c1", "user", "m1", "i1"),
        Identity("other", "worker", "w1", "i-w1"),
    ],
)
async def test_who_takes_part_no_more_does_not(api: Api, signer: Signer, tmp_path: Path, who: Identity) -> None:
    await api.node("w1")
    with pytest.raises((Forbidden, NotFound)):
        of_expired(api.core, signer, an_expired(tmp_path, who))


async def test_garbage_gets_no_certificate_over_http(api: Api) -> None:
    for raw in (b"", b"nothing", b"\x93\xc4\x00\xc4\x00\xc4\x00"):
        answer = await api("POST", "/v1/renew", raw=raw, token=None, Content_Type="application/msgpack")
        assert answer.status in (400, 401, 409), answer.body
