"""TLS between the parties of a cluster: version 1.3 only, and the cluster's own CA is the only one trusted."""

import os
import ssl
from pathlib import Path
from typing import Literal

from okube.model.errors import BadFile
from okube.security.files import TlsFiles
from okube.security.private import require_private

__all__ = ["ClientCertificate", "anonymous_context", "client_context", "pem_context", "server_context"]

ClientCertificate = Literal["required", "optional"]


def server_context(tls_dir: Path, *, client_certificate: ClientCertificate) -> ssl.SSLContext:
    """For a server that shows ``node.crt`` and asks its clients for a certificate of the same CA.

    With ``optional`` a client may come without one (to show a token instead); one of another CA is refused in both.

    Raises:
        BadFile: a file is missing, does not fit the others, or is a key that others may read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # No session tickets: a resumed session would outlive the check of the client's certificate, and connections last.
    context.num_tickets = 0
    _trust(context, TlsFiles(tls_dir).ca)
    context.verify_mode = ssl.CERT_REQUIRED if client_certificate == "required" else ssl.CERT_OPTIONAL
    _show(context, TlsFiles(tls_dir))
    return context


def client_context(tls_dir: Path) -> ssl.SSLContext:
    """For a client that shows ``node.crt`` or ``admin.crt``, whichever the folder has.

    The caller passes the name that the server must have (``server_hostname``); see ``okube.security.identity``.

    Raises:
        BadFile: a file is missing, does not fit the others, or is a key that others may read.
    """
    files = TlsFiles(tls_dir)
    if not files.certificate.exists() and TlsFiles(tls_dir, "admin").certificate.exists():
        files = TlsFiles(tls_dir, "admin")
    context = anonymous_context(files.ca)
    _show(context, files)
    return context


def anonymous_context(ca: Path) -> ssl.SSLContext:
    """For a client without a certificate, which shows a token instead; ``ca`` is the CA's certificate.

    Raises:
        BadFile: the CA's certificate is missing or none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and name of the server
    _trust(context, ca)
    return context


def pem_context(ca: str, identity: str = "") -> ssl.SSLContext:
    """The same, with the CA's certificate itself, in PEM; and with the client's and its key, where it has one.

    Raises:
        BadFile: it is none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _be_strict(context)
    try:
        context.load_verify_locations(cadata=ca)
    except (OSError, ValueError) as error:
        raise BadFile("The client file holds no certificate of the cluster's CA that can be used.") from error
    if identity:
        _show_pem(context, identity)
    return context


def _show_pem(context: ssl.SSLContext, identity: str) -> None:
    """OpenSSL reads a key from a file alone: here from one that is in memory and nowhere else."""
    with open(os.memfd_create("okube"), "w", encoding="ascii") as file:
        file.write(identity)
        file.flush()
        try:
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
        except OSError as error:
            raise BadFile(f"The client file holds no certificate that can be used: {_reason(error)}.") from error


def _be_strict(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT


def _trust(context: ssl.SSLContext, ca: Path) -> None:
    _be_strict(context)
    try:
        context.load_verify_locations(cafile=ca)
    except OSError as error:  # ssl.SSLError is one
        raise BadFile(f"The certificate of the cluster's CA, {ca}, cannot be used: {_reason(error)}.") from error


def _show(context: ssl.SSLContext, files: TlsFiles) -> None:
    if not files.certificate.exists():
        raise BadFile(
            f"There is no certificate {files.certificate}: 'okube up' issues it on the machine that has the "
            "cluster's CA; copy the folder from there."
        )
    require_private(files.key)
    try:
        context.load_cert_chain(files.certificate, files.key)
    except OSError as error:
        raise BadFile(f"{files.certificate} and {files.key} cannot be used together: {_reason(error)}.") from error


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is no PEM file").replace("_", " ").lower()
    return error.strerror or str(error)
