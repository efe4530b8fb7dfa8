"""An HTTP request to the engine after which the connection carries bytes of ours, both ways."""

import asyncio
import json
import re
from typing import Any

__all__ = ["hijack"]

_CONNECT_S = 5.0
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ?(.*)")
_REFUSAL_LIMIT = 4096


async def hijack(base_url: str, path: str, body: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """POST ``body`` and take over the connection.

    Raises:
        OSError: nobody answers at ``base_url``, or by a way that cannot be taken over.
        EOFError: the engine hangs up.
        ValueError: it refuses, or does not speak HTTP.
    """
    reader, writer = await _connect(base_url)
    try:
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
            f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        writer.write(head.encode() + data)
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        match = _STATUS.match(answer)
        if match is None or match[1] not in (b"101", b"200"):
            refusal = await reader.read(_REFUSAL_LIMIT)
            raise ValueError(f"it refuses to: {refusal.decode(errors='replace').strip() or answer!r}")
    except BaseException:
        writer.close()
        raise
    return reader, writer


async def _connect(base_url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    scheme, _, place = base_url.partition("://")
    async with asyncio.timeout(_CONNECT_S):
        if scheme == "unix":
            return await asyncio.open_unix_connection(place)
        if scheme in ("tcp", "http"):
            host, _, port = place.rstrip("/").rpartition(":")
            return await asyncio.open_connection(host.strip("[]"), int(port))
    raise OSError(f"no commands can be run over {scheme}://; let the agent reach its engine by unix:// or tcp://")
