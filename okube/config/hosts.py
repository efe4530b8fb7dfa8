"""Host names and IP addresses, as cluster.yaml gives them."""

import ipaddress
import re

__all__ = ["canonical_host", "host_error", "is_loopback"]

_MAX_HOST = 253
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def host_error(host: str) -> str | None:
    """What is wrong with ``host`` as a place that others can reach, as a sentence, or None."""
    address = _address(host)
    if address is not None:
        if address.is_unspecified:
            return f"{host} means every address of a machine: give the one at which the others reach it"
        if "%" in host or address.is_multicast:
            return f"{host} is no address that other machines can reach"
        return None
    if host.startswith("[") and host.endswith("]") and _address(host[1:-1]) is not None:
        return f"{host!r} is no host: write the address without brackets, {host[1:-1]}"
    if "://" in host or re.search(r":\d+$", host):
        return f"{host!r} is no host: give the name or address alone, and the port with the key 'port'"
    labels = host.split(".")
    if len(host) > _MAX_HOST or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        return f"{host!r} is no host: write a host name such as server-1.example.com, or an IP address"
    return None


def canonical_host(host: str) -> str:
    """One way to write a host, so that two ways to write the same compare equal."""
    if host.lower() == "localhost":
        return "127.0.0.1"
    address = _address(host)
    return str(address) if address is not None else host.lower()


def is_loopback(host: str) -> bool:
    """Whether the host is reached from its own machine alone."""
    address = _address(canonical_host(host))
    return address is not None and address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
