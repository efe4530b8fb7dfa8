"""Which CA signs: the one that the state holds, whose key this manager opens; before that, the one on its machine.

The leader takes a CA that it finds on its machine into the state, once; so every manager can sign that has the unlock
key, and none needs a folder with the CA.
"""

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from okube.manager.vault import Locked, Vault
from okube.model.authority import Authorities, KeptCa, sealed_as
from okube.model.commands import PutAuthorities
from okube.model.errors import Conflict, OkubeError
from okube.model.versions import version_of
from okube.security.ca import Authority, ca_id, private_pem
from okube.security.keyring import CannotOpen
from okube.state import Tables

__all__ = ["CurrentAuthority", "kept_ca"]


class CurrentAuthority:
    """The CA of one cluster, as one manager has it.

    Args:
        tables: the state as applied here.
        vault: opens its key.
        on_machine: finds a CA in the cluster's folder of this machine; raises Conflict where there is none.
    """

    def __init__(self, tables: Callable[[], Tables], vault: Vault, on_machine: Callable[[], Authority]) -> None:
        self._tables = tables
        self._vault = vault
        self._on_machine = on_machine
        self._opened: tuple[KeptCa, Authority] | None = None
        self._ends: tuple[str, int] | None = None
        self._marked: tuple[Authorities, str] | None = None

    def signing(self) -> Authority:
        """The CA that signs now.

        Raises:
            Conflict: this manager cannot have it: it is locked, or the key is nowhere here.
        """
        found = self._tables().authorities
        if found is None:
            return self._on_machine()
        kept = found.of(found.signer)
        if kept is None:
            raise Conflict("the state names a CA that it does not hold")
        if self._opened is None or self._opened[0] is not kept:
            self._opened = (kept, self._open(kept))
        return self._opened[1]

    def trusted(self) -> bytes:
        """The certificates of all CAs that are believed, as PEM. Raises as ``signing``."""
        found = self._tables().authorities
        return self._on_machine().certificate_pem if found is None else found.trusted

    @property
    def mark(self) -> str:
        """What every party should show; empty while the state holds no CA."""
        found = self._tables().authorities
        if found is None:
            return ""
        if self._marked is None or self._marked[0] is not found:  # it is told with every heartbeat
            self._marked = (found, found.mark)
        return self._marked[1]

    @property
    def ends_ms(self) -> int | None:
        """When the CA that signs ends, in milliseconds since 1970; None while the state holds none."""
        found = self._tables().authorities
        kept = None if found is None else found.of(found.signer)
        if kept is None:
            return None
        if self._ends is None or self._ends[0] != kept.id:
            end = x509.load_pem_x509_certificate(kept.certificate).not_valid_after_utc
            self._ends = (kept.id, round(end.timestamp() * 1000))
        return self._ends[1]

    def plan_keeping(self, now_ms: int) -> list[PutAuthorities]:
        """What the leader proposes where the state holds no CA yet: the one on its machine, if there is one."""
        tables = self._tables()
        if tables.authorities is not None or self._vault.locked:
            return []
        try:
            kept = kept_ca(self._on_machine(), self._vault, now_ms)
        except OkubeError:
            return []
        command = PutAuthorities(Authorities(kept.id, (kept,)), "kept")
        return [command] if version_of(command) <= tables.settings.command_version else []

    def _open(self, kept: KeptCa) -> Authority:
        try:
            pem = self._vault.open(kept.key, sealed_as(kept.id))
            certificate = x509.load_pem_x509_certificate(kept.certificate)
            key = serialization.load_pem_private_key(pem, password=None)
        except (Locked, CannotOpen) as error:
            raise Conflict(f"the key of the cluster's CA cannot be opened here: {error.detail}") from error
        except (ValueError, TypeError) as error:
            raise Conflict(f"the CA in the state is damaged: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise Conflict("the CA in the state is damaged: its key is not that of its certificate")
        return Authority(certificate, key)


def kept_ca(authority: Authority, vault: Vault, now_ms: int) -> KeptCa:
    """A CA as the state holds it. Raises Locked."""
    identifier = ca_id(authority.certificate)
    sealed = vault.seal(private_pem(authority.key), sealed_as(identifier))
    return KeptCa(identifier, authority.certificate_pem, sealed, now_ms)
