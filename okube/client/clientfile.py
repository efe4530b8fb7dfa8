"""The client file: all that a user's commands need, in one file: the managers, their CA, and the user's token.

It is JSON. ``okube user create`` writes it; the user keeps it as ``~/.okube/config``, or names it with ``--config``.
"""

from pathlib import Path

import msgspec

from okube.model.errors import BadFile
from okube.security.private import require_private, write_private

__all__ = ["ClientFile", "read_client_file", "write_client_file"]

_MOST_BYTES = 1 << 20


class ClientFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is in it: managers as URLs, certificates of the CA in PEM.

    ``identity`` is the user's certificate with its key, in PEM, given at ``identity_since`` and good until
    ``identity_until`` (seconds since 1970): it is shown in the place of the token for as long as it lasts.
    """

    cluster: str = ""
    user: str = ""
    managers: tuple[str, ...]
    ca: str
    token: str
    identity: str = ""
    identity_until: float = 0.0
    identity_since: float = 0.0

    def is_due(self, now_s: float) -> bool:
        """Whether it has a certificate that is in the second half of its life, or has ended.

        One that ends with the credentials is renewed at half of what is left each time: seldom, for it halves.
        """
        return bool(self.identity) and now_s > (self.identity_since + self.identity_until) / 2


def read_client_file(path: Path) -> ClientFile | None:
    """What a file holds; None where it is another kind of file, such as cluster.yaml, or none at all.

    Raises:
        BadFile: it is one, and damaged or open to others than its owner.
    """
    try:
        with path.open("rb") as file:
            if file.read(1) != b"{":
                return None
            data = b"{" + file.read(_MOST_BYTES)
    except PermissionError as error:
        raise BadFile(f"{path} may not be read by this user: run the command as its owner") from error
    except OSError:
        return None
    if b'"token"' not in data:
        return None
    require_private(path)
    try:
        return msgspec.json.decode(data, type=ClientFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} is damaged: {error}. An admin makes another one with `okube user rotate`.") from error


def write_client_file(path: Path, content: ClientFile) -> None:
    """Write one, for its owner alone (0600)."""
    write_private(path, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
