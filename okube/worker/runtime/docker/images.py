"""Bringing an image to the node, if it is not there."""

import asyncio
import json
import logging
import weakref

from docker import APIClient, auth
from docker.errors import ImageNotFound
from docker.utils import parse_repository_tag

from okube.worker.runtime.docker.client import EngineClient, message_of
from okube.worker.runtime.docker.refusals import pull_refused

__all__ = ["Images"]

log = logging.getLogger(__name__)
_QUIET_S = 120.0  # without a sign of progress for so long, a pull has failed


class Images:
    """The images of one engine; an image is pulled by one task at a time, however many wait for it."""

    def __init__(self, client: EngineClient, node: str) -> None:
        self._client = client
        self._node = node
        self._pulling: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def ensure(self, image: str) -> None:
        """Pull ``image`` unless the engine has it; a registry is never asked about an image that is there.

        Raises:
            RuntimeFailure: ``image-pull``.
        """
        if await self._client.call(lambda sdk: _is_there(sdk, image)):
            return
        lock = self._pulling.setdefault(image, asyncio.Lock())
        async with lock:
            if not await self._client.call(lambda sdk: _is_there(sdk, image)):
                await self._pull(image)

    async def _pull(self, image: str) -> None:
        log.info("pulling image %s", image)
        repository, tag = parse_repository_tag(image)
        credentials = await self._client.in_thread(lambda: _credentials(repository))
        params = {"fromImage": repository, "tag": tag or "latest"}
        async with self._client.stream("POST", "/images/create", params, quiet_s=_QUIET_S, auth=credentials) as answer:
            if answer.status >= 400:
                raise pull_refused(await message_of(answer), image=image, node=self._node)
            async for line in answer.content:
                if line.strip() and (trouble := json.loads(line).get("error")):
                    raise pull_refused(str(trouble), image=image, node=self._node)


def _is_there(sdk: APIClient, image: str) -> bool:
    try:
        sdk.inspect_image(image)  # type: ignore[no-untyped-call]  # the stubs leave it out
    except ImageNotFound:
        return False
    return True


def _credentials(repository: str) -> str:
    """What ``docker login`` left for the image's registry, as the engine wants it; empty for none."""
    registry, _ = auth.resolve_repository_name(repository)
    found = auth.load_config().resolve_authconfig(registry)
    return auth.encode_header(found).decode("ascii") if found else ""
