"""From nothing, or from what a program knows, to a client: where the managers are, and who calls."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from okube.client.address import Address, parse_addresses
from okube.client.api import OkubeClient
from okube.client.clientfile import ClientFile, read_client_file
from okube.client.credentials import find_credentials, of_client_file
from okube.client.retry import Caller
from okube.client.typed import Client
from okube.model.errors import BadFile, FieldError, InvalidInput

__all__ = ["connect"]


class _Place(msgspec.Struct, frozen=True):
    managers: tuple[str, ...]
    credentials: Path


def connect(
    managers: str | Iterable[str] | None = None,
    *,
    cluster: str | os.PathLike[str] | None = None,
    credentials: str | os.PathLike[str] | None = None,
    token: str | None = None,
    stale: bool = False,
) -> Client:
    """A client of a cluster. Nothing is sent before the first call.

    Args:
        managers: their URLs (``https://192.0.2.11:7101``), one text with commas or several; else ``OKUBE_MANAGERS``,
            else those of ``cluster``.
        cluster: cluster.yaml, or a user's client file, which names managers and credentials; else ``OKUBE_CONFIG``,
            ``./cluster.yaml``, ``~/.okube/cluster.yaml``, or ``~/.okube/config``, a client file.
        credentials: a client file, or a folder with ``ca.crt`` and either ``admin.crt`` and ``admin.key`` or
            ``token``; else that of ``cluster``, else ``~/.okube``.
        token: a bearer token in place of the certificate; else ``OKUBE_TOKEN``.
        stale: have reads answered by any living manager from what it knows; ``freshness`` says how old that is.

    Raises:
        InvalidInput: nothing says where the cluster is, or an address is none.
        BadFile: cluster.yaml or the credentials cannot be used.
    """
    given = managers or os.environ.get("OKUBE_MANAGERS")
    token = token or os.environ.get("OKUBE_TOKEN", "").strip() or None
    file = None if given and credentials else _find_file(cluster)
    own = _client_file(credentials, file)
    if own is not None:
        return Client(
            OkubeClient(Caller(_parsed(given or own.managers), of_client_file(own, token=token)), stale=stale)
        )
    place = None if file is None else _read(file)
    addresses = given or (None if place is None else place.managers)
    if not addresses:
        raise InvalidInput.of(
            [FieldError("managers", "nothing says where they are: give managers or cluster, or set OKUBE_MANAGERS")],
            what="connect",
        )
    parsed = _parsed(addresses)
    folder = Path(credentials) if credentials else _home() if place is None else place.credentials
    return Client(OkubeClient(Caller(parsed, find_credentials(folder, token=token)), stale=stale))


def _client_file(credentials: str | os.PathLike[str] | None, file: Path | None) -> ClientFile | None:
    """The client file that is named, or is in the place of cluster.yaml, or is there where neither is."""
    if credentials:
        return read_client_file(Path(credentials))
    return read_client_file(_home() / "config" if file is None else file)


def _parsed(addresses: str | Iterable[str]) -> tuple[Address, ...]:
    try:
        return parse_addresses(addresses)
    except ValueError as error:
        raise InvalidInput.of([FieldError("managers", str(error))], what="connect") from error


def _find_file(given: str | os.PathLike[str] | None) -> Path | None:
    named = given or os.environ.get("OKUBE_CONFIG")
    if named:
        path = Path(named).expanduser()
        path = path / "cluster.yaml" if path.is_dir() else path
        if not path.is_file():
            raise BadFile(f"there is no file {path}")
        return path
    return next((p for p in (Path("cluster.yaml"), _home() / "cluster.yaml") if p.is_file()), None)


def _read(path: Path) -> _Place:
    """The two things of cluster.yaml that a client needs; ``okube up`` checks the rest."""
    import yaml  # costs more than all the rest, and those who name managers do without

    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        managers = tuple(f"{_bracketed(str(m['host']))}:{int(m['port'])}" for m in data["managers"])
        data_dir = Path(str(data.get("data_dir") or ".okube")).expanduser()
    except (OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadFile(f"{path} cannot be used ({error}): it names managers, each with host and port") from error
    return _Place(managers, path.absolute().parent / data_dir / "admin")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _home() -> Path:
    return Path(os.environ.get("HOME") or Path.home()) / ".okube"
