import asyncio

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from okube.model.wire import LogLine
from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.runtime.docker.output import read_lines

TIME = b"1970-01-01T00:00:01.500000000Z "


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


async def lines_of(data: bytes) -> list[LogLine]:
    content = aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 1 << 16)
    content.feed_data(data)
    content.feed_eof()
    return [line async for line in read_lines(content)]


async def test_frames_become_lines_of_their_stream() -> None:
    lines = await lines_of(frame(1, TIME + b"out\n") + frame(2, TIME + b"err\n"))
    assert lines == [LogLine(1500, "stdout", "out"), LogLine(1500, "stderr", "err")]


async def test_a_line_cut_by_the_engine_is_joined() -> None:
    lines = await lines_of(frame(1, TIME + b"x" * 16384) + frame(2, TIME + b"err\n") + frame(1, TIME + b"y\n"))
    assert [line.text for line in lines] == ["err", "x" * 16384 + "y"]


async def test_a_last_line_without_an_end_is_told() -> None:
    assert [line.text for line in await lines_of(frame(1, TIME + b"prompt> "))] == ["prompt> "]


async def test_an_empty_line_is_a_line() -> None:
    assert [line.text for line in await lines_of(frame(1, TIME + b"\n"))] == [""]


async def test_a_stream_that_breaks_off_within_a_frame_ends() -> None:
    data = frame(1, TIME + b"whole\n")
    assert [line.text for line in await lines_of(data + data[:-3])] == ["whole"]


@pytest.mark.parametrize("data", [b"plain text without frames", frame(9, TIME + b"x\n"), b"\1\0\0\0\xff\xff\xff\xff"])
async def test_what_is_no_log_is_told(data: bytes) -> None:
    with pytest.raises(RuntimeUnavailable, match="is it Docker"):
        await lines_of(data)
