import aiohttp
import pytest

from okube.seams.connector import Connector


async def test_what_keeps_a_connection_from_being_made_is_an_error_of_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("File descriptor 9 is used by transport")

    monkeypatch.setattr("aiohappyeyeballs.start_connection", refuse)
    async with aiohttp.ClientSession(connector=Connector()) as session:
        with pytest.raises(aiohttp.ClientConnectionError, match="File descriptor 9"):
            await session.get("http://127.0.0.1:9/")
