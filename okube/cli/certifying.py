"""A user's certificate in a client file: got when asked for, and renewed by whatever command runs in its second half.

So nobody has to remember it. Where that fails the token in the file takes its place when it ends.
"""

import os
import time
from pathlib import Path

import msgspec

from okube.cli.cells import moment_of
from okube.client.api import OkubeClient
from okube.client.clientfile import read_client_file, write_client_file
from okube.model.errors import BadFile, OkubeError

__all__ = ["certify", "renew"]

_TRIED_S = 3600.0


def certify(client: OkubeClient, path: Path) -> str:
    """Get a certificate for a new key into a client file; until when it is good, as the cluster says it.

    Raises:
        BadFile: it is no client file, or cannot be written.
        OkubeError: the cluster does not sign.
    """
    from okube.security.ca import private_pem
    from okube.security.requests import new_key, request_for

    before = read_client_file(path)
    if before is None:
        raise BadFile(f"{path} is no client file: `okube user create` makes one")
    key = new_key()
    made = client.certify(request_for(key).decode())
    until = moment_of(made.get("expires_at"))
    content = msgspec.structs.replace(
        before,
        ca=str(made["ca"]),
        identity=str(made["certificate"]) + private_pem(key).decode(),
        identity_since=time.time(),
        identity_until=0.0 if until is None else until.timestamp(),
    )
    try:
        write_client_file(path, content)
    except OSError as error:
        raise BadFile(f"{path} cannot be written: {error.strerror}") from error
    return str(made.get("expires_at"))


def renew(client: OkubeClient, path: Path, cache: Path) -> None:
    """Renew the certificate in a client file; where that fails it is tried again in an hour, and told to nobody."""
    tried = cache / "certifying"
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK) or _tried_lately(tried):
        return
    try:
        certify(client, path)
    except OkubeError:
        _remember(tried)


def _tried_lately(path: Path) -> bool:
    try:
        return 0 <= time.time() - path.stat().st_mtime < _TRIED_S
    except OSError:
        return False


def _remember(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        return  # then the next command tries again
