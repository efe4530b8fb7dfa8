"""The one place in a manager that signs certificates: for renewals, for machines that join, for people."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from okube.model.errors import BadFile, Conflict, InvalidInput
from okube.security import Identity
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import Authority, load_ca
from okube.security.issue import NODE_LIFE, certify_key
from okube.security.requests import key_of_request

__all__ = ["Signer", "authority_in"]

_LONGEST = timedelta(days=3652)
_SHORTEST = timedelta(seconds=10)


class Signer:
    """Signs with the cluster's CA, where this manager has it.

    Args:
        cluster_id: the cluster, for which alone it signs.
        authority: the CA that signs now; raises Conflict where it cannot be had here.
        now_ms: milliseconds since 1970, UTC.
        life: how long certificates of managers and workers last.
        trusted: the certificates that all parties trust, as PEM; that of the CA that signs unless given.
    """

    def __init__(
        self,
        cluster_id: str,
        authority: Callable[[], Authority],
        now_ms: Callable[[], int],
        life: timedelta = NODE_LIFE,
        trusted: Callable[[], bytes] | None = None,
    ) -> None:
        self.life = life
        self._trusted = trusted
        self._cluster_id = cluster_id
        self._authority = authority
        self._now_ms = now_ms

    def sign(
        self, csr_pem: bytes, identity: Identity, hosts: Iterable[str] = (), life: timedelta | None = None
    ) -> bytes:
        """A certificate, as PEM, for the key of a request.

        Args:
            csr_pem: the request; all that it says but its key is passed over.
            identity: for whom, as the caller was found to be.
            hosts: where a manager is reached (others are known by name alone).
            life: how long it lasts; as long as those of managers and workers unless given.

        Raises:
            Malformed: the request is none.
            InvalidInput: it is for another cluster, for a name that is none, or for a life that cannot be.
            Conflict: this manager does not have the CA's key, or has one that cannot be used.
        """
        life = self.life if life is None else life
        if not _SHORTEST <= life <= _LONGEST:
            raise InvalidInput("a certificate lasts ten seconds at least, and ten years at most")
        if identity.cluster_id != self._cluster_id:
            raise InvalidInput(f"this is cluster {self._cluster_id}, and the certificate is for {identity.cluster_id}")
        key = key_of_request(csr_pem)
        return certify_key(self._authority(), key, identity, hosts=hosts, now_ms=self._now_ms(), life=life)

    def trusted(self) -> bytes:
        """The certificates of the CA that all parties trust, as ``ca.crt`` has them; raises as ``sign``."""
        return self._trusted() if self._trusted is not None else self._authority().certificate_pem


def authority_in(files: AuthorityFiles | None) -> Callable[[], Authority]:
    """Finds the CA in the files of this machine each time it is needed, which is seldom."""

    def find() -> Authority:
        if files is None or not files.key.exists():
            raise Conflict(
                "this manager does not have the key of the cluster's CA, so it cannot sign certificates: put ca.crt "
                "into the folder ca of its data_dir, and ca.key into its key_dir, from the machine that made the "
                "cluster"
            )
        try:
            return load_ca(files)
        except BadFile as error:
            raise Conflict(f"the cluster's CA cannot be used on this manager: {error.detail}") from error

    return find
