"""Who calls: the CA that managers are believed by, and the caller's certificate or token."""

import ssl
import time
from pathlib import Path

import msgspec

from okube.client.clientfile import ClientFile
from okube.model.errors import BadFile
from okube.security.contexts import anonymous_context, client_context, pem_context
from okube.security.files import TlsFiles
from okube.security.identity import ANY_MANAGER
from okube.security.tokens import read_token

__all__ = ["SERVER_NAME", "Credentials", "find_credentials", "of_client_file"]

SERVER_NAME = ANY_MANAGER  # in the certificate of every manager, for callers who know only addresses


class Credentials(msgspec.Struct, frozen=True):
    """A folder with the CA and the caller's certificate and key, or a token that stands for these two.

    ``ca`` is the CA's certificate in PEM, of a client file, in the place of a folder's, and ``identity`` the caller's
    certificate and key.
    """

    tls: TlsFiles
    token: str | None = None
    ca: str = ""
    identity: str = ""

    def context(self) -> ssl.SSLContext:
        """TLS 1.3 that believes only this cluster's CA.

        Raises:
            BadFile: a file is missing, does not fit the others, or is a key that others may read.
        """
        if self.ca:
            return pem_context(self.ca, self.identity)
        return anonymous_context(self.tls.ca) if self.token else client_context(self.tls.root)

    def ca_pem(self) -> str:
        """The certificate of the CA, to be handed to somebody else.

        Raises:
            BadFile: it cannot be read.
        """
        if self.ca:
            return self.ca
        try:
            return self.tls.ca.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise BadFile(f"{self.tls.ca} cannot be read: {error}") from error


def of_client_file(file: ClientFile, *, token: str | None = None) -> Credentials:
    """The credentials in a client file; ``token`` is taken instead of the one in it."""
    if token is None and file.identity and time.time() < file.identity_until:
        return Credentials(TlsFiles(Path()), None, file.ca, file.identity)
    return Credentials(TlsFiles(Path()), token or file.token, file.ca)


def find_credentials(directory: Path, *, token: str | None = None) -> Credentials:
    """The credentials in a folder: ``ca.crt``, and ``admin.crt`` with ``admin.key``, or ``token``.

    Args:
        directory: where ``okube up`` left them: ``admin`` in the cluster's data directory.
        token: a bearer token that is taken instead of what the folder holds.

    Raises:
        BadFile: the folder does not hold them, with what to do.
    """
    files = TlsFiles(directory, "admin")
    try:
        if not files.ca.is_file():
            raise BadFile(
                f"there are no credentials in {directory}: `okube up` makes them with the cluster; "
                "on another machine, copy that folder from where the cluster was made"
            )
        if token:
            return Credentials(files, token)
        if files.certificate.is_file() and files.key.is_file():
            return Credentials(files)
        if (directory / "token").is_file():
            return Credentials(files, read_token(directory / "token"))
    except PermissionError as error:
        raise BadFile(
            f"the credentials in {directory} may not be read by this user: run the command as their owner, "
            "or copy the folder"
        ) from error
    raise BadFile(f"{directory} holds ca.crt, but neither admin.crt with admin.key nor token: copy them there")
