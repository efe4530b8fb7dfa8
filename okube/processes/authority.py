"""Where a restore finds the cluster's CA."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from okube.model.archive import KeptAuthority
from okube.model.errors import BadFile, Conflict
from okube.security import ClusterFiles
from okube.security.ca import Authority
from okube.security.private import read_private

__all__ = ["find_authority"]


def find_authority(files: ClusterFiles, kept: KeptAuthority | None, folder: Path | None, cluster_id: str) -> Authority:
    """The CA: in the data directory, in the folder that was named, or in the snapshot; where in several, all the same.

    Raises:
        BadFile: it is nowhere, or damaged.
        Conflict: there are two, or it is another cluster's.
    """
    found = list(_found(files, kept, folder))
    if not found:
        raise BadFile(
            "The key of the cluster's CA is neither in the snapshot nor in data_dir: name a folder that has ca.crt and "
            "ca.key with --ca. Without it workers would not trust the new managers; then make a new cluster from your "
            "service files."
        )
    where, first = found[0]
    for elsewhere, other in found[1:]:
        if other.certificate_pem != first.certificate_pem:
            raise Conflict(f"The CA in {where} and that in {elsewhere} are not the same: take the wrong one away.")
    (name,) = first.certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    if name.value != cluster_id:
        raise Conflict(f"The CA in {where} is of cluster {name.value!s}, and the snapshot is of {cluster_id}.")
    return first


def _found(files: ClusterFiles, kept: KeptAuthority | None, folder: Path | None) -> Iterator[tuple[str, Authority]]:
    for path in (files.ca_dir if files.ca_certificate.exists() else None, folder):
        if path is not None:
            yield str(path), _load(str(path), _read(path / "ca.crt"), read_private(path / "ca.key"))
    if kept is not None:
        yield "the snapshot", _load("the snapshot", kept.certificate, kept.key)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error


def _load(where: str, certificate_pem: bytes, key_pem: bytes) -> Authority:
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except (ValueError, TypeError) as error:
        raise BadFile(f"The CA in {where} is damaged: {error}.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise BadFile(f"The CA in {where} is damaged: its key is not that of its certificate.")
    return Authority(certificate, key)
