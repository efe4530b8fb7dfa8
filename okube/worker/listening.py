"""Where an agent listens, and whom it turns out: as its file says, until the cluster says otherwise, while it runs."""

import asyncio
import contextlib
import logging

from okube.worker.agent import Agent
from okube.worker.server import AgentServer
from okube.worker.settings import WorkerSettings

__all__ = ["follow_address", "place_of", "turn_out_who_left"]

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


async def turn_out_who_left(agent: Agent, server: AgentServer) -> None:
    """End the connections of managers that are none any more whenever the cluster names some, until cancelled."""
    while True:
        await agent.managers_left.wait()
        agent.managers_left.clear()
        server.turn_out()
