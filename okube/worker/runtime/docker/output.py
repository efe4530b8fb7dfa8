"""A container's output from the engine's multiplexed stream: frames of 8 bytes of header and one piece of a line."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp

from okube.model.wire import LogLine
from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.runtime.docker.body import read_time_ms
from okube.worker.runtime.lines import LineJoiner, Stream

__all__ = ["read_lines"]

_HEADER = 8
_LARGEST_FRAME = 8 << 20  # the engine cuts at 16 KiB; this only stops what is no log stream at all
_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}


async def read_lines(content: aiohttp.StreamReader) -> AsyncIterator[LogLine]:
    """Lines of a ``GET /containers/{id}/logs?timestamps=1``, until the stream ends."""
    joiner = LineJoiner()
    while frame := await _frame(content):
        stream, payload = frame
        time, _, piece = payload.partition(b" ")
        for line in joiner.feed(stream, read_time_ms(time.decode()) or 0, piece):
            yield line
    for line in joiner.rest():
        yield line


async def _frame(content: aiohttp.StreamReader) -> tuple[Stream, bytes] | None:
    try:
        header = await content.readexactly(_HEADER)
        size = int.from_bytes(header[4:], "big")
        if header[0] not in _STREAMS or size > _LARGEST_FRAME:
            raise RuntimeUnavailable(f"the engine sent a log that is not one (header {header.hex()}); is it Docker?")
        return _STREAMS[header[0]], await content.readexactly(size)
    except asyncio.IncompleteReadError:
        return None
