"""Addresses in requests: one that nobody can dial would be met by every manager, again and again."""

from collections.abc import Mapping

from okube.config.hosts import host_error
from okube.model.errors import FieldError, InvalidInput

__all__ = ["check_hosts"]


def check_hosts(addresses: Mapping[str, str], *, what: str) -> None:
    """Raise InvalidInput where an address (``host:port``) has a host that others cannot reach; keys are field paths."""
    hosts = {path: address.rpartition(":")[0].strip("[]") for path, address in addresses.items()}
    errors = [FieldError(path, problem) for path, host in hosts.items() if (problem := host_error(host)) is not None]
    if errors:
        raise InvalidInput.of(errors, what=what)
