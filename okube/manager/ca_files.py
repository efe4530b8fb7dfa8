"""Where a machine keeps the CA and the admin's credentials in files, they follow what the state says.

So ``okube up`` there signs with the CA of now, and the command line there goes on through a change of it.
"""

from okube.security import ClusterFiles, Identity
from okube.security.ca import Authority, private_pem
from okube.security.issue import install, is_due
from okube.security.private import write_private, write_public

__all__ = ["follow"]


def follow(files: ClusterFiles, cluster_id: str, authority: Authority, trusted: bytes, *, now_ms: int) -> None:
    """Bring the files of a machine up to date; where there are none, none are made.

    Raises:
        BadFile: the admin's key is open to others, or none.
        OSError: they cannot be written.
    """
    if files.ca_certificate.exists() and files.ca_certificate.read_bytes() != authority.certificate_pem:
        write_private(files.ca_key, private_pem(authority.key))
        write_public(files.ca_certificate, authority.certificate_pem)
    if not files.admin.certificate.exists():
        return
    admin = Identity(cluster_id, "admin", "admin")
    if is_due(authority, admin, files.admin, now_ms=now_ms):
        install(authority, admin, files.admin, now_ms=now_ms, trusted=trusted)
    elif files.admin.ca.read_bytes() != trusted:
        write_public(files.admin.ca, trusted)
