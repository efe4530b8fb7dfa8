"""TLS contexts that outlive a certificate: who holds one need not know that what it shows and trusts has changed.

Connections that stand go on with what they began with; each handshake takes what holds at that moment.
"""

import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from okube.model.errors import BadFile
from okube.seams.lasting import Lasting
from okube.security.contexts import ClientCertificate, client_context, server_context
from okube.security.files import TlsFiles
from okube.security.renewed import settle
from okube.security.validity import validity_in

__all__ = ["Credentials", "LivingContext"]


class LivingContext(ssl.SSLContext):
    """A context that passes each handshake on to the newest that it was given."""

    def __new__(cls, newest: ssl.SSLContext) -> "LivingContext":
        """Of the same protocol, so that whoever looks at it finds what it expects."""
        return super().__new__(cls, newest.protocol)

    def __init__(self, newest: ssl.SSLContext) -> None:
        self.newest = newest

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """A handshake over memory, as asyncio does it."""
        return self.newest.wrap_bio(*args, **kwargs)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """A handshake over a socket."""
        return self.newest.wrap_socket(*args, **kwargs)


class Credentials:
    """What a manager or agent shows and trusts: a folder, and all contexts that were made of it.

    Raises:
        BadFile: a file is missing, does not fit the others, or is a key that others may read.
    """

    def __init__(self, tls_dir: Path) -> None:
        settle(tls_dir)
        self.folder = tls_dir
        self._given: list[tuple[LivingContext, Callable[[], ssl.SSLContext]]] = []
        self.client = self._living(lambda: client_context(tls_dir))
        self.lasting = _lasting(tls_dir)
        """From when to when what is shown is good; None where it is not known."""

    def server(self, client_certificate: ClientCertificate) -> LivingContext:
        """For a server; see ``server_context``."""
        return self._living(lambda: server_context(self.folder, client_certificate=client_certificate))

    def reload(self) -> None:
        """Have every context take what the folder holds now: all of them, or none where it cannot be used.

        Raises:
            BadFile: as above; nothing has changed.
        """
        made = [(living, make()) for living, make in self._given]
        for living, newest in made:
            living.newest = newest
        self.lasting = _lasting(self.folder)

    def _living(self, make: Callable[[], ssl.SSLContext]) -> LivingContext:
        living = LivingContext(make())
        self._given.append((living, make))
        return living


def _lasting(tls_dir: Path) -> Lasting | None:
    with contextlib.suppress(BadFile):
        found = validity_in(TlsFiles(tls_dir).certificate)
        return Lasting(found.begins_ms / 1000, found.ends_ms / 1000)
    return None
