"""Where an agent listens: as its file says, until the cluster says another address; it need not be restarted for it."""

import asyncio
import contextlib
import logging

from okube.worker.agent import Agent
from okube.worker.server import AgentServer
from okube.worker.settings import WorkerSettings

__all__ = ["follow_address", "place_of"]

logger = logging.getLogger(__name__)
_RETRY_S = 1.0


def place_of(settings: WorkerSettings, address: str) -> tuple[str, int]:
    """The host and port to listen at. An address that is not the file's is the machine's own, so it is listened at."""
    if address == settings.address:
        return settings.host, settings.port
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


async def follow_address(agent: Agent, server: AgentServer, settings: WorkerSettings) -> None:
    """Listen where the cluster says, until cancelled; an address that the machine does not have yet is waited for."""
    listens = agent.address
    while True:
        if agent.address == listens:
            await agent.readdressed.wait()
        agent.readdressed.clear()
        wanted = agent.address
        try:
            await server.move(*place_of(settings, wanted))
        except OSError as error:
            if agent.address != listens:
                logger.warning("Cannot listen at %s yet, trying again: %s", wanted, error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RETRY_S):
                    await agent.readdressed.wait()
            continue
        listens = wanted
        logger.info("Listening at %s now", wanted)
