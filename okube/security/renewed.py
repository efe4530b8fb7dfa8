"""A new certificate with a new key takes the place of the old ones: two files, so it is done in steps.

The new key lies beside the old one until the certificate is there; whoever finds both settles which of them fits. So it
may be interrupted anywhere, and what is in the folder can be used.
"""

import os
import ssl
from pathlib import Path

from okube.security.files import TlsFiles
from okube.security.private import sync_folder, write_private, write_public

__all__ = ["put_renewed", "settle"]


def put_renewed(folder: Path, *, key: bytes, certificate: bytes, trusted: bytes) -> None:
    """Keep a renewed certificate, its key and the CA's certificates, all as PEM. Raises OSError."""
    files = TlsFiles(folder)
    write_public(files.ca, trusted)
    write_private(_coming(files), key)
    write_public(files.certificate, certificate)
    os.replace(_coming(files), files.key)
    sync_folder(folder)


def settle(folder: Path) -> None:
    """Take the last step of what was interrupted, or undo its first. Raises OSError."""
    files = TlsFiles(folder)
    coming = _coming(files)
    if not coming.exists():
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(files.certificate, coming)
    except (OSError, ssl.SSLError):
        coming.unlink()  # the certificate is still that of the old key
    else:
        os.replace(coming, files.key)
    sync_folder(folder)


def _coming(files: TlsFiles) -> Path:
    return files.key.with_name(f"{files.key.name}.coming")
