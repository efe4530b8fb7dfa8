import asyncio
import random
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from okube.model.errors import Malformed, NoQuorum, OkubeError
from okube.model.wire import CertificateAnswer, ExpiredQuestion
from okube.security import Identity, TlsFiles
from okube.security.ca import create_ca
from okube.security.expired import proved
from okube.security.issue import certify_key, install
from okube.security.living import Credentials
from okube.security.renewal import Renewal
from okube.security.requests import key_of_request, new_key
from tests.unit.security.conftest import NOW_MS, Cluster

DAY_MS = 86_400_000


class Signing:
    """Signs what it is asked for, or fails as often as it was told to."""

    def __init__(self, cluster: Cluster, *, failures: list[OkubeError] | None = None) -> None:
        self.cluster = cluster
        self.now_ms = NOW_MS
        self.asked = 0
        self.proofs: list[ExpiredQuestion] = []
        self.failures = failures or []
        self.answered = asyncio.Event()
        self.spoil: Callable[[CertificateAnswer], CertificateAnswer] = lambda answer: answer

    async def ask(self, request: bytes) -> CertificateAnswer:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        identity = Identity(self.cluster.cluster_id, "worker", "w1", "i1")
        signed = certify_key(
            self.cluster.authority, key_of_request(request), identity, now_ms=self.now_ms, life=timedelta(days=90)
        )
        self.answered.set()
        return self.spoil(CertificateAnswer(signed, self.cluster.authority.certificate_pem))

    async def ask_expired(self, question: ExpiredQuestion) -> CertificateAnswer:
        self.proofs.append(question)
        return await self.ask(question.request)


def a_renewal(signing: Signing, *, instance: str = "i1", now_ms: Callable[[], int] | None = None) -> Renewal:
    folder = signing.cluster.party("worker", "w1")
    return Renewal(
        instance,
        Credentials(folder),
        signing.ask,
        signing.ask_expired,
        now_ms=now_ms or (lambda: signing.now_ms),
        rng=random.Random(1),
    )


async def test_a_renewal_brings_a_new_key_and_a_later_end(cluster: Cluster) -> None:
    signing = Signing(cluster)
    renewal = a_renewal(signing)
    before, key = renewal.validity, (cluster.files.process("w1").tls.key).read_bytes()
    signing.now_ms += 45 * DAY_MS
    await renewal.renew()
    assert renewal.validity.ends_ms == pytest.approx(before.ends_ms + 45 * DAY_MS, abs=1000)
    assert cluster.files.process("w1").tls.key.read_bytes() != key
    assert renewal.renewed == 1


async def test_a_certificate_that_does_not_name_the_instance_is_renewed_at_once(cluster: Cluster) -> None:
    signing = Signing(cluster)
    renewing = asyncio.ensure_future(a_renewal(signing).run())
    async with asyncio.timeout(5):
        await signing.answered.wait()
    renewing.cancel()
    assert signing.asked == 1


async def test_a_certificate_of_another_instance_is_asked_for_until_somebody_signs(cluster: Cluster) -> None:
    signing = Signing(cluster, failures=[NoQuorum("no leader yet"), NoQuorum("no leader yet")])
    began = time.monotonic()
    renewal = a_renewal(signing, now_ms=lambda: NOW_MS + round(1000 * (time.monotonic() - began)))
    renewing = asyncio.ensure_future(renewal.run())
    async with asyncio.timeout(30):
        await signing.answered.wait()
    renewing.cancel()
    assert signing.asked == 3


async def test_who_is_refused_asks_again_and_uses_the_old_one_meanwhile(cluster: Cluster) -> None:
    signing = Signing(cluster, failures=[NoQuorum("no leader now")])
    renewal = a_renewal(signing)
    before = cluster.files.process("w1").tls.certificate.read_bytes()
    with pytest.raises(NoQuorum):
        await renewal.renew()
    assert cluster.files.process("w1").tls.certificate.read_bytes() == before
    await renewal.renew()
    assert renewal.renewed == 1


@pytest.mark.parametrize(
    ("what", "sentence"), [("another key", "for another key"), ("another CA", "none of the CAs"), ("none", "no cert")]
)
async def test_an_answer_that_is_of_no_use_is_not_kept(cluster: Cluster, what: str, sentence: str) -> None:
    signing = Signing(cluster)
    renewal = a_renewal(signing)
    before = cluster.files.process("w1").tls.certificate.read_bytes()
    identity = Identity(cluster.cluster_id, "worker", "w1", "i1")
    elsewhere = certify_key(cluster.authority, new_key().public_key(), identity, now_ms=NOW_MS, life=timedelta(days=90))
    other = create_ca("lab", cluster.cluster_id, now_ms=NOW_MS).certificate_pem
    signing.spoil = lambda answer: {
        "another key": CertificateAnswer(elsewhere, answer.trusted),
        "another CA": CertificateAnswer(answer.certificate, other),
        "none": CertificateAnswer(b"nothing", answer.trusted),
    }[what]
    with pytest.raises(Malformed, match=sentence):
        await renewal.renew()
    assert cluster.files.process("w1").tls.certificate.read_bytes() == before


async def test_after_its_end_a_certificate_is_shown_to_have_been_ours(cluster: Cluster) -> None:
    signing = Signing(cluster)
    renewal = a_renewal(signing)
    signing.now_ms += 91 * DAY_MS
    await renewal.renew()
    (proof,) = signing.proofs
    assert proved(proof, cluster.authority.certificate_pem).name == "w1"
    assert renewal.validity.ends_ms > signing.now_ms


async def test_what_it_should_show_is_fetched_when_it_is_told(cluster: Cluster) -> None:
    signing = Signing(cluster)
    install(cluster.authority, Identity(cluster.cluster_id, "worker", "w1", "i1"), _files(cluster), now_ms=NOW_MS)
    renewal = Renewal(
        "i1",
        Credentials(_files(cluster).root),
        signing.ask,
        signing.ask_expired,
        now_ms=lambda: time.time_ns() // 1_000_000,
        rng=random.Random(1),
    )
    renewing = asyncio.ensure_future(renewal.run())
    await asyncio.sleep(0)
    renewal.expect("")
    renewal.expect(renewal.papers.mark)
    await asyncio.sleep(0.05)
    assert signing.asked == 0
    renewal.expect("another")
    async with asyncio.timeout(20):
        await signing.answered.wait()
    renewing.cancel()
    assert signing.asked == 1


def _files(cluster: Cluster) -> TlsFiles:
    return cluster.files.process("w1").tls
