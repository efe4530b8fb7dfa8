"""Bearer tokens: random text that stands for the admin; the cluster itself keeps only the hash.

Clients only read tokens, and start sooner without what makes and compares them: that is imported where it is used.
"""

from pathlib import Path

from okube.model.errors import BadFile
from okube.security.private import read_private, write_private

__all__ = ["new_token", "read_token", "token_matches", "token_sha256", "write_token"]

_PREFIX = "okube-"  # so that a scanner for leaked secrets, and a person, knows one on sight


def new_token() -> str:
    """A new token of 256 random bits."""
    import secrets

    return _PREFIX + secrets.token_urlsafe(32)


def token_sha256(token: str) -> str:
    """The hash that is kept in place of the token, in hex. A token is long and random, so that it needs no salt."""
    import hashlib

    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def token_matches(token: str, sha256: str) -> bool:
    """Whether the token is the one with that hash; takes as long for a wrong one as for the right one."""
    import hmac

    return hmac.compare_digest(token_sha256(token).encode(), sha256.encode())


def write_token(path: Path, token: str) -> None:
    """Keep a token in a file that only its owner may read."""
    write_private(path, f"{token}\n".encode())


def read_token(path: Path) -> str:
    """The token in a file.

    Raises:
        BadFile: the file cannot be read, is open to others, or holds no token.
    """
    try:
        token = read_private(path).decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if not token or any(c.isspace() for c in token):
        raise BadFile(f"{path} holds no token: one line of letters, digits, '-' and '_' is expected.")
    return token
