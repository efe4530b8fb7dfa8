"""Where a restore finds the cluster's CA."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from okube.manager.authorities import CurrentAuthority
from okube.manager.vault import Vault
from okube.model.archive import KeptAuthority
from okube.model.errors import BadFile, Conflict
from okube.processes.restorekeys import NeedsUnlockKey
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import Authority, load_ca
from okube.security.keyring import UnlockKey
from okube.security.private import read_private
from okube.state import Tables

__all__ = ["find_authority"]


def find_authority(
    files: AuthorityFiles,
    kept: KeptAuthority | None,
    folder: Path | None,
    cluster_id: str,
    *,
    state: Tables,
    unlock_key: UnlockKey | None,
) -> Authority:
    """The CA: in this machine's files, in the folder that was named, or beside the state; where in several, the same.

    Where it is in none of these, the one in the state itself: the unlock key opens its key, or ``key_dir`` has it.
    Beside the state it is in snapshots that earlier versions saved.

    Raises:
        NeedsUnlockKey: it is nowhere.
        BadFile: it is damaged.
        Conflict: there are two, or it is another cluster's.
    """
    found = list(_found(files, kept, folder)) or list(_in_state(state, unlock_key, cluster_id, files))
    if not found:
        which = f" ({state.ring.unlock_id})" if state.ring is not None else ""
        raise NeedsUnlockKey(
            f"The key of the cluster's CA is not to be had: give the unlock key{which}, which opens it in the "
            f"snapshot, with --unlock-key; or put it into {files.key}; or name a folder that has ca.crt and ca.key "
            "with --ca. Without it workers would not trust the new managers; then make a new cluster from your "
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


def _in_state(
    state: Tables, unlock_key: UnlockKey | None, cluster_id: str, files: AuthorityFiles
) -> Iterator[tuple[str, Authority]]:
    if state.authorities is None:
        return
    if unlock_key is None:
        kept = state.authorities.of(state.authorities.signer)
        if kept is not None and files.key.exists():
            yield str(files.key), _load(str(files.key), kept.certificate, read_private(files.key))
        return
    vault = Vault(cluster_id, lambda: state)
    vault.unlock(unlock_key)

    def nowhere() -> Authority:
        raise Conflict("there is no CA on this machine")

    yield "the snapshot's state", CurrentAuthority(lambda: state, vault, nowhere).signing()


def _found(files: AuthorityFiles, kept: KeptAuthority | None, folder: Path | None) -> Iterator[tuple[str, Authority]]:
    if files.certificate.exists() and files.key.exists():
        yield str(files.key), load_ca(files)
    if folder is not None:
        yield str(folder), _load(str(folder), _read(folder / "ca.crt"), read_private(folder / "ca.key"))
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
