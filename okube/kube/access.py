"""How the API of a Kubernetes cluster is reached: from a pod of it, or as a kubeconfig file says."""

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from okube.config.yamldoc import load_documents
from okube.model.errors import BadFile

__all__ = ["ApiAccess", "from_kubeconfig", "from_pod"]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class ApiAccess(msgspec.Struct, frozen=True):
    """Where the API is, and how to prove who asks; ``token`` is read anew for each connection, for it is renewed."""

    url: str
    context: ssl.SSLContext | None
    token: Callable[[], str]

    def headers(self) -> dict[str, str]:
        """What goes with each request."""
        token = self.token()
        return {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})


def from_pod(env: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> ApiAccess | None:
    """The API of the cluster in whose pod this runs, by its service account; None where it runs in none.

    Raises:
        BadFile: it runs in a pod that was given no service account.
    """
    host, port = env.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        return None
    where = f"[{host}]" if ":" in host else host
    return ApiAccess(f"https://{where}:{port}", _trusting(_text(account / "ca.crt")), _reader(account / "token"))


def from_kubeconfig(path: Path) -> ApiAccess:
    """The API of the current context of a kubeconfig file.

    Raises:
        BadFile: it cannot be used; with a sentence that says why.
        Malformed: it is no YAML.
    """
    documents = load_documents(path)
    data = documents[0].data if documents else None
    if not isinstance(data, Mapping):
        raise BadFile(f"{path} is no kubeconfig file.")
    chosen = _named(path, data, "contexts", data.get("current-context"), "context")
    cluster = _named(path, data, "clusters", chosen.get("cluster"), "cluster")
    user = _named(path, data, "users", chosen.get("user"), "user")
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith(("http://", "https://")):
        raise BadFile(f"{path}: the cluster of the current context has no server: an https:// address is expected.")
    if "exec" in user or "auth-provider" in user:
        raise BadFile(
            f"{path} has a program run for the user's credentials, which this does not: give a file with a token or a "
            "certificate."
        )
    token = _token(path, user)
    if server.startswith("http://"):
        return ApiAccess(server.rstrip("/"), None, token)
    context = _context(path, cluster)
    _show_certificate(path, user, context)
    return ApiAccess(server.rstrip("/"), context, token)


def _context(path: Path, cluster: Mapping[str, Any]) -> ssl.SSLContext:
    authority = _content(path, cluster, "certificate-authority")
    context = _trusting(authority.decode()) if authority is not None else ssl.create_default_context()
    if cluster.get("insecure-skip-tls-verify") is True:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        raise BadFile(f"the certificate authority of the Kubernetes API cannot be read: {error}.") from error


def _show_certificate(path: Path, user: Mapping[str, Any], context: ssl.SSLContext) -> None:
    certificate, key = _content(path, user, "client-certificate"), _content(path, user, "client-key")
    if certificate is None or key is None:
        return
    with tempfile.NamedTemporaryFile() as file:  # readable to its owner alone; ssl takes them only as a file
        file.write(certificate + b"\n" + key)
        file.flush()
        try:
            context.load_cert_chain(file.name)
        except (ssl.SSLError, OSError) as error:
            raise BadFile(f"{path}: the user's certificate and key cannot be used: {error}.") from error


def _token(path: Path, user: Mapping[str, Any]) -> Callable[[], str]:
    file = user.get("tokenFile")
    if isinstance(file, str):
        return _reader(path.parent / file)
    token = str(user.get("token") or "")
    return lambda: token


def _named(path: Path, data: Mapping[str, Any], kind: str, name: object, key: str) -> Mapping[str, Any]:
    entries = data.get(kind)
    for each in entries if isinstance(entries, list) else ():
        if isinstance(each, Mapping) and each.get("name") == name and isinstance(each.get(key), Mapping):
            found: Mapping[str, Any] = each[key]
            return found
    raise BadFile(f"{path} has no {key} {name!r}, which its current context needs.")


def _content(path: Path, entry: Mapping[str, Any], key: str) -> bytes | None:
    """What stands in the file itself, in base64, or in a file that it names, relative to it."""
    written = entry.get(f"{key}-data")
    if isinstance(written, str):
        try:
            return base64.b64decode(written, validate=True)
        except binascii.Error as error:
            raise BadFile(f"{path}: {key}-data is no base64: {error}.") from error
    named = entry.get(key)
    return _text(path.parent / named).encode() if isinstance(named, str) else None


def _reader(path: Path) -> Callable[[], str]:
    return lambda: _text(path).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise BadFile(f"cannot read {path}: {reason}.") from error
