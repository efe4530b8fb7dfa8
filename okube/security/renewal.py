"""A process renews its own certificate, at half of its life, and goes on with the new one: nobody has to remember it.

Imports ``cryptography``; see ``okube.security.ca``.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from okube.model.errors import Malformed, OkubeError
from okube.model.wire import CertificateAnswer, ExpiredQuestion, Papers
from okube.security.ca import mark_in, private_pem
from okube.security.expired import prove
from okube.security.files import TlsFiles
from okube.security.identity import INSTANCE_URI
from okube.security.living import Credentials
from okube.security.renewed import put_renewed
from okube.security.requests import new_key, request_for
from okube.security.validity import Validity, validity_in

__all__ = ["Ask", "AskExpired", "Renewal"]

_log = logging.getLogger(__name__)
_SOON_S = 1.0
_LONGEST_SLEEP_S = 600.0  # the calendar may be set meanwhile
_SETTLES_MS = 10_000  # who should sign may change between the answer and what is told next
_SPREAD_MS = 3000  # not all ask at once where all are told at once
_REPEATED_AFTER_S = 86_400.0


Ask = Callable[[bytes], Awaitable[CertificateAnswer]]
"""From a request as PEM to what was signed; raises OkubeError or OSError."""

AskExpired = Callable[[ExpiredQuestion], Awaitable[CertificateAnswer]]
"""The same, with the proof of who asks."""


class Renewal:
    """Keeps the certificate of one process from expiring.

    Args:
        instance: that of the process; a certificate that does not name it is renewed at once.
        credentials: what it shows and trusts; they take the new certificate in place.
        ask: has a request signed.
        ask_expired: has it signed where the certificate in use has ended.
        now_ms: milliseconds since 1970, UTC.
        rng: spreads the renewals of many processes.
    """

    def __init__(
        self,
        instance: str,
        credentials: Credentials,
        ask: Ask,
        ask_expired: AskExpired,
        *,
        now_ms: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self.renewed = 0
        self.failed = 0
        self._instance = instance
        self._credentials = credentials
        self._ask = ask
        self._ask_expired = ask_expired
        self._now_ms = now_ms
        self._rng = rng
        self._files = TlsFiles(credentials.folder)
        self._woken = asyncio.Event()
        self._settled_ms = 0
        self._mark = ""
        self._due_ms = 0
        self._take()

    @property
    def validity(self) -> Validity:
        """From when to when the certificate in use is good."""
        return self._validity

    @property
    def papers(self) -> Papers:
        """What this process shows now."""
        return Papers(self._mark, max(0, self._validity.begins_ms), self._validity.ends_ms)

    def expect(self, mark: str) -> None:
        """What it should show: by whom its certificate should be, and whom it should believe; empty: as it is."""
        now_ms = self._now_ms()
        if mark and mark != self._mark and now_ms >= self._settled_ms:
            self._settled_ms = now_ms + _SETTLES_MS
            self._due_ms = min(self._due_ms, now_ms + round(self._rng.uniform(0, _SPREAD_MS)))
            self._woken.set()

    def want(self) -> None:
        """Renew now, although it is not due: what it should say or who should sign it has changed."""
        self._due_ms = self._now_ms()
        self._woken.set()

    async def run(self) -> None:
        """Renew whenever it is due, until cancelled."""
        if self._is_anothers():
            self.want()
        while True:
            await self._until_due()
            try:
                await self.renew()
            except (OkubeError, OSError) as error:
                self.failed += 1
                left_s = (self._validity.ends_ms - self._now_ms()) / 1000
                level = logging.WARNING if left_s < _REPEATED_AFTER_S or self.failed == 1 else logging.INFO
                _log.log(level, "the certificate was not renewed, trying again; it ends in %.0f s: %s", left_s, error)
                # Whose certificate names another instance is believed by nobody: it asks until somebody signs.
                pause_s = _SOON_S if self._is_anothers() else self._validity.retry_s
                self._due_ms = self._now_ms() + round(1000 * pause_s * self._rng.uniform(0.8, 1.2))

    def _is_anothers(self) -> bool:
        return _instance_in(self._files) != self._instance

    async def renew(self) -> None:
        """Have a new key certified, keep both, and show them from the next handshake on.

        Raises:
            OkubeError, OSError: it was not signed, or cannot be kept; the old one is in use still.
        """
        key = new_key()
        request = request_for(key)
        if self._validity.ends_ms > self._now_ms():
            signed = await self._ask(request)
        else:
            signed = await self._ask_expired(prove(self._files, request))
        _check(signed, key.public_key().public_numbers())
        put_renewed(
            self._credentials.folder, key=private_pem(key), certificate=signed.certificate, trusted=signed.trusted
        )
        self._credentials.reload()
        self._take()
        self.renewed += 1
        self._settled_ms = self._now_ms() + _SETTLES_MS
        _log.info("the certificate was renewed; it ends in %.0f s", (self._validity.ends_ms - self._now_ms()) / 1000)

    def _take(self) -> None:
        self._validity = validity_in(self._files.certificate)
        self._due_ms = self._validity.due_ms(self._rng.random())
        self._mark = mark_in(self._files)

    async def _until_due(self) -> None:
        while (left_s := (self._due_ms - self._now_ms()) / 1000) > 0:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, _LONGEST_SLEEP_S)):
                    await self._woken.wait()


def _check(signed: CertificateAnswer, public_numbers: object) -> None:
    """Refuse an answer that would leave this process with what it cannot use."""
    try:
        certificate = x509.load_pem_x509_certificate(signed.certificate)
        trusted = x509.load_pem_x509_certificates(signed.trusted)
        own = certificate.public_key().public_numbers()  # type: ignore[union-attr]  # of any other kind: not equal
    except (ValueError, AttributeError) as error:
        raise Malformed(f"what was signed is no certificate: {error}") from error
    if own != public_numbers:
        raise Malformed("what was signed is for another key")
    for authority in trusted:
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            certificate.verify_directly_issued_by(authority)
            return
    raise Malformed("what was signed is by none of the CAs to trust")


def _instance_in(files: TlsFiles) -> str:
    """The instance that the certificate names; empty where it names none."""
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return ""
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return next((uri.removeprefix(INSTANCE_URI) for uri in uris if uri.startswith(INSTANCE_URI)), "")
