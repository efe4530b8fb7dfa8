"""Where a manager is: the URLs that people write, and what a socket needs."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

__all__ = ["Address", "parse_address", "parse_addresses"]

DEFAULT_PORT = 7101


class Address(msgspec.Struct, frozen=True, order=True):
    """Host and port of one manager's API."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """``https://192.0.2.10:7101``, ``192.0.2.10:7101`` or ``manager-1`` (port 7101).

    Raises:
        ValueError: with a sentence on what would be right.
    """
    example = "write https://192.0.2.10:7101"
    url = text.strip()
    if "://" not in url:
        url = f"https://{url}"
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise ValueError(f"{text!r}: managers speak https, not {parts.scheme}; {example}")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"{text!r} has a port that is no port; {example}") from None
    if not parts.hostname or any(c.isspace() for c in parts.hostname) or parts.path not in ("", "/") or parts.username:
        raise ValueError(f"{text!r} is not the address of a manager; {example}")
    return Address(parts.hostname, DEFAULT_PORT if port is None else port)


def parse_addresses(texts: str | Iterable[str]) -> tuple[Address, ...]:
    """Several addresses, each once, in order; a text may hold several between commas.

    Raises:
        ValueError: one is wrong, or there is none.
    """
    parts = [texts] if isinstance(texts, str) else list(texts)
    found = [parse_address(one) for part in parts for one in part.split(",") if one.strip()]
    if not found:
        raise ValueError("no manager is named; write https://192.0.2.10:7101, and several with commas")
    return tuple(dict.fromkeys(found))
