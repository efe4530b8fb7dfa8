"""What the options that every command shares have said, and the client that is made of them."""

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from okube.cli.locate import cache_dir, cluster_facts, find_cluster_file, home, managers_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from okube.client.address import Address
    from okube.client.api import OkubeClient
    from okube.client.clientfile import ClientFile

__all__ = ["FORMATS", "Session", "session"]

FORMATS = ("table", "wide", "json", "yaml")


class Session:
    """One run of the program; lives in the outermost context of click."""

    def __init__(self) -> None:
        self.manager: str | None = None
        self.config: str | None = None
        self.output = "table"
        self.stale = False
        self._client: OkubeClient | None = None
        self._used: tuple[Path, ClientFile] | None = None

    def client(self) -> "OkubeClient":
        """The client of the cluster that the options, the environment or cluster.yaml name.

        Raises:
            click.UsageError: nothing says where the cluster is.
            OkubeError: cluster.yaml or the credentials cannot be used.
        """
        if self._client is None:
            self._client = self._make_client(self._word())
        return self._client

    def new_client(self) -> "OkubeClient":
        """Another client of the same cluster, for another thread."""
        return self._make_client(contextlib.nullcontext)

    def _word(self) -> "Callable[[], AbstractContextManager[None]]":
        """What says on stderr that a call waits; not while something is watched, which has its own words."""
        context = click.get_current_context(silent=True)
        if context is None or any(context.params.get(name) for name in ("watch", "follow")):
            return contextlib.nullcontext
        from okube.cli.output import note
        from okube.cli.waitword import Word, what_is_missing

        return Word(lambda: what_is_missing(self.new_client()), lambda said: note(f"okube: {said}")).around

    def _make_client(self, while_waiting: "Callable[[], AbstractContextManager[None]]") -> "OkubeClient":
        from okube.client.api import OkubeClient
        from okube.client.credentials import find_credentials, of_client_file
        from okube.client.memory import FileMemory
        from okube.client.retry import Caller

        place = self._place()
        addresses = _addresses(place)
        token = os.environ.get("OKUBE_TOKEN", "").strip() or None
        if place.file is not None:
            self._used = (place.path, place.file)
            memory = FileMemory(cache_dir() / "last-manager")
            caller = Caller(addresses, of_client_file(place.file, token=token), memory=memory)
            return OkubeClient(caller, stale=self.stale, while_waiting=while_waiting)
        directory = Path(place.credentials)
        if not directory.is_dir():
            from okube.cli.exits import NoCredentials

            raise NoCredentials(
                f"there are no credentials: the folder {directory} is not there, so the cluster was not made yet, "
                "or on another machine"
            )
        memory = FileMemory((directory if os.access(directory, os.W_OK) else cache_dir()) / "last-manager")
        caller = Caller(addresses, find_credentials(directory, token=token), memory=memory)
        return OkubeClient(caller, stale=self.stale, while_waiting=while_waiting)

    def renew_certificate(self) -> None:
        """Where the certificate of a client file was used, get the next one in time; after the command's work."""
        if self._client is None or self._used is None:
            return
        path, file = self._used
        if os.environ.get("OKUBE_TOKEN") or not file.is_due(time.time()):
            return
        from okube.cli.certifying import renew

        renew(self._client, path, cache_dir())

    def close(self) -> None:
        """End the client's connection."""
        if self._client is not None:
            self._client.close()

    def _place(self) -> "_Place":
        """Managers and credentials, each from the first that names them."""
        from okube.client.clientfile import read_client_file

        file = find_cluster_file(self.config)
        managers = self.manager or os.environ.get("OKUBE_MANAGERS")
        told_by = "--manager" if self.manager else "OKUBE_MANAGERS"
        client_file = read_client_file(file) if file else None
        if client_file is not None:
            assert file is not None
            return _of_client_file(file, client_file, managers, told_by if managers else str(file))
        facts = cluster_facts(file) if file else None
        if facts is None or not (Path(facts.data_dir) / "admin").is_dir():
            client_file = read_client_file(home() / "config")
            if client_file is not None:
                told_by = told_by if managers else "~/.okube/config"
                return _of_client_file(home() / "config", client_file, managers, told_by)
        own = _own_file() if facts is None else None
        if facts is not None:
            credentials = str(Path(facts.data_dir) / "admin")
            return _Place(managers or ",".join(managers_of(facts)), credentials, told_by if managers else str(file))
        if own is not None and (managers or own.managers):
            credentials = str(Path(own.credentials).expanduser()) if own.credentials else str(home())
            return _Place(managers or ",".join(own.managers), credentials, told_by if managers else "~/.okube/config")
        if managers:
            return _Place(managers, str(home()), told_by)
        raise click.UsageError(
            "nothing says where the cluster is: change to the folder of its cluster.yaml, or name that file with "
            "--config or OKUBE_CONFIG, or its managers with --manager or OKUBE_MANAGERS"
        )


class _Place(msgspec.Struct, frozen=True):
    managers: str
    credentials: str
    told_by: str
    file: "ClientFile | None" = None
    path: Path = Path()


def _of_client_file(path: Path, file: "ClientFile", managers: str | None, told_by: str) -> _Place:
    return _Place(managers or ",".join(file.managers), "", told_by, file, path)


class _OwnFile(msgspec.Struct, frozen=True):
    """``~/.okube/config``: managers' URLs, and the folder of the credentials."""

    managers: tuple[str, ...] = ()
    credentials: str = ""


def session() -> Session:
    """The session of the command that runs."""
    found = click.get_current_context().find_root().ensure_object(Session)
    return found


def _addresses(place: _Place) -> "tuple[Address, ...]":
    from okube.client.address import parse_addresses

    try:
        return parse_addresses(place.managers)
    except ValueError as error:
        raise click.UsageError(f"{place.told_by}: {error}") from error


def _own_file() -> _OwnFile | None:
    path = home() / "config"
    if not path.is_file():
        return None
    import yaml

    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, _OwnFile)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.MsgspecError) as error:
        raise click.UsageError(
            f"{path} cannot be read ({error}): it holds `managers: [https://192.0.2.10:7101]` and "
            "`credentials: FOLDER` with ca.crt, admin.crt and admin.key"
        ) from error
