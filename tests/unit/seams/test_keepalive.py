"""Long connections whose other end is gone without a word."""

import asyncio
import socket

from okube.seams.keepalive import notice_the_dead


async def test_a_connection_is_asked_after_by_the_kernel() -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        notice_the_dead(writer.transport)
        connection = writer.get_extra_info("socket")
        asked.set_result(
            (
                connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
            )
        )
        writer.close()

    asked: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await asked == (1, 10)
        writer.close()
        await writer.wait_closed()


def test_what_is_no_connection_is_left_alone() -> None:
    notice_the_dead(None)
