"""Where a machine keeps the CA and the admin's credentials in files, they follow what the state says.

So ``okube up`` there signs with the CA of now, and the command line there goes on through a change of it, and for as
long as the cluster lives: the admin's certificate is renewed at half of its life.
"""

from okube.security import ClusterFiles, Identity
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import Authority, private_pem
from okube.security.issue import install, is_due
from okube.security.private import write_private, write_public

__all__ = ["follow"]


def follow(files: AuthorityFiles, cluster_id: str, authority: Authority, trusted: bytes, *, now_ms: int) -> None:
    """Bring the files of a machine up to date; where there are none, none are made, nor a key that was taken away.

    Raises:
        BadFile: the admin's key is open to others, or none.
        OSError: they cannot be written.
    """
    if files.certificate.exists() and files.certificate.read_bytes() != authority.certificate_pem:
        if files.key.exists():
            write_private(files.key, private_pem(authority.key))
        write_public(files.certificate, authority.certificate_pem)
    tls = ClusterFiles(files.data_dir).admin
    if not tls.certificate.exists():
        return
    admin = Identity(cluster_id, "admin", "admin")
    if is_due(authority, admin, tls, now_ms=now_ms):
        install(authority, admin, tls, now_ms=now_ms, trusted=trusted)
    elif tls.ca.read_bytes() != trusted:
        write_public(tls.ca, trusted)
