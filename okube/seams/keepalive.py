"""Connections that stay open for long: one whose other end has lost its power is noticed, though it says nothing."""

import os
import socket
from contextlib import suppress
from typing import Any, Protocol

__all__ = ["notice_the_dead"]

_ASK_AFTER_S, _ASK_EVERY_S, _TIMES = 10, 5, 3


class _HasSocket(Protocol):
    def get_extra_info(self, name: str) -> Any:
        """``socket`` of a transport, or of what stands on one."""


def notice_the_dead(transport: _HasSocket | None) -> None:
    """Let the kernel ask a peer that is silent for 10 s, and break the connection after 15 s without an answer."""
    connection = None if transport is None else transport.get_extra_info("socket")
    if connection is None or connection.family == socket.AF_UNIX:
        return
    with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _ASK_AFTER_S)
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_EVERY_S)
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _TIMES)
