"""What an error of a connection says, for people: without the address that stands beside it, and without objects."""

import os
import re
import ssl

__all__ = ["plainly", "untimely"]

_NOT_YET_VALID, _EXPIRED = 9, 10  # openssl/x509_vfy.h
_CANNOT_CONNECT = re.compile(r"Cannot connect to (?:host|unix socket) \S+ ssl:.+? \[(.*)\]", re.DOTALL)


def plainly(error: BaseException) -> str:
    """A few words on why a call got no answer: ``connection refused``, ``no answer in time``."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    certificate = _certificate_error(error)
    if certificate is not None:
        return _not_believed(certificate)
    text = str(error)
    if found := _CANNOT_CONNECT.fullmatch(text):
        number = getattr(error, "errno", None)
        text = found[1]
        if text.startswith("Connect call failed") and isinstance(number, int):
            text = os.strerror(number).lower()
    return text or type(error).__name__


def untimely(error: BaseException) -> bool:
    """Whether a certificate was not believed because of the time: it has expired, or a clock is wrong."""
    found = _certificate_error(error)
    return found is not None and found.verify_code in (_NOT_YET_VALID, _EXPIRED)


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    found = getattr(error, "certificate_error", error)  # aiohttp's has it inside
    return found if isinstance(found, ssl.SSLCertVerificationError) else None


def _not_believed(error: ssl.SSLCertVerificationError) -> str:
    if untimely(error):
        when = "has expired" if error.verify_code == _EXPIRED else "is not yet valid"
        return f"its certificate {when}; is the clock of this machine right, and that of the other?"
    return f"its certificate is not believed ({error.verify_message})"
