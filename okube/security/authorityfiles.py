"""Where a machine keeps the cluster's CA: the certificate with the data, the key with the keys, in ``key_dir``.

So no copy of ``data_dir`` holds it. Okube kept both in ``data_dir/ca`` once; ``move_key`` ends that.
"""

from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from okube.model.errors import BadFile
from okube.security.files import ClusterFiles
from okube.security.keyfiles import KeyFiles
from okube.security.private import read_private, sync_folder, write_private

__all__ = ["AuthorityFiles", "move_key", "put_key"]


class AuthorityFiles(msgspec.Struct, frozen=True):
    """The CA of one cluster on one machine; most machines have neither file."""

    data_dir: Path
    key_dir: Path

    @property
    def certificate(self) -> Path:
        """The certificate of the CA."""
        return ClusterFiles(self.data_dir).ca_certificate

    @property
    def key(self) -> Path:
        """The key of the CA: whoever has it is the cluster (0600)."""
        return KeyFiles(self.key_dir).ca_key

    @property
    def earlier_key(self) -> Path:
        """Where the key was before it had its place outside of ``data_dir``."""
        return ClusterFiles(self.data_dir).ca_dir / "ca.key"


def put_key(files: AuthorityFiles, pem: bytes) -> None:
    """Keep the key of the CA; another one that was there is put aside: an earlier cluster's may be needed still."""
    if files.key.exists():
        before = files.key.read_bytes()
        if before == pem:
            return
        _put_aside(files, before)
    write_private(files.key, pem)


def move_key(files: AuthorityFiles) -> bool:
    """Have the key of the CA in ``key_dir``, and no more in ``data_dir``; False where there was nothing to move.

    It may be interrupted, and called by several processes at once.

    Raises:
        BadFile: it could have been read by others, or cannot be written where it should be.
    """
    if not files.earlier_key.exists():
        return False
    try:
        pem = read_private(files.earlier_key)
    except BadFile:
        if not files.earlier_key.exists():
            return False  # another process was faster
        raise
    try:
        if not files.key.exists() or _fits(files, pem):
            put_key(files, pem)
        else:
            _put_aside(files, pem)
        files.earlier_key.unlink(missing_ok=True)
        sync_folder(files.earlier_key.parent)
    except OSError as error:
        raise BadFile(
            f"The key of the cluster's CA lies in {files.earlier_key}, where every copy of data_dir has it, and cannot "
            f"be moved to {files.key}: {error.strerror}. Make key_dir writable."
        ) from error
    return True


def _put_aside(files: AuthorityFiles, pem: bytes) -> None:
    import hashlib

    write_private(files.key.with_name(f"ca-{hashlib.sha256(pem).hexdigest()[:16]}.key"), pem)


def _fits(files: AuthorityFiles, pem: bytes) -> bool:
    """Whether it is the key of the certificate that is there."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    except (OSError, ValueError, TypeError):
        return False
    return key.public_key() == certificate.public_key()
