"""Bringing an image to the node, if it is not there."""

import asyncio
import json
import logging
import weakref

from docker import APIClient, auth
from docker.errors import APIError, DockerException
from docker.utils import parse_repository_tag

from okube.worker.runtime.base import RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.docker.client import EngineClient, message_of
from okube.worker.runtime.docker.refusals import pull_refused

__all__ = ["Images"]

log = logging.getLogger(__name__)
_REMEMBERED = 1000


class Images:
    """The images of one engine; an image is pulled by one task at a time, however many wait for it.

    A pull without a sign of progress for ``quiet_s`` has failed.
    """

    def __init__(self, client: EngineClient, node: str, *, quiet_s: float = 120.0) -> None:
        self._client = client
        self._node = node
        self._quiet_s = quiet_s
        self._seen: dict[str, None] = {}  # were there when the engine was asked last
        self._pulling: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def ensure(self, image: str) -> None:
        """Pull ``image`` unless the engine has it; a registry is never asked about an image that is there.

        The engine is asked once about each image; one that was removed since shows when a container is made of it, and
        then ``forget`` comes before the next ``ensure``.

        Raises:
            RuntimeFailure: ``image-pull``.
        """
        if image in self._seen:
            return
        if not await self._client.ask(lambda sdk: _is_there(sdk, image)):
            lock = self._pulling.setdefault(image, asyncio.Lock())
            async with lock:
                if not await self._client.ask(lambda sdk: _is_there(sdk, image)):
                    await self._pull(image)
        self._seen[image] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def forget(self, image: str) -> bool:
        """The engine says that it has no such image; whether it was believed to."""
        return self._seen.pop(image, "") is None

    async def _pull(self, image: str) -> None:
        log.info("pulling image %s", image)
        try:
            await self._ask_for(image)
        except DockerException as error:  # what docker login left behind cannot be read, or the name is no name
            raise self._refused(str(error), image) from error
        except RuntimeUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):  # a registry that hangs is no engine that does
                raise self._refused(f"nothing came for {self._quiet_s:.0f} s", image) from error
            raise

    async def _ask_for(self, image: str) -> None:
        repository, tag = parse_repository_tag(image)
        credentials = await self._client.in_thread(lambda: _credentials(repository))
        params = {"fromImage": repository, "tag": tag or "latest"}
        async with self._client.stream(
            "POST", "/images/create", params, quiet_s=self._quiet_s, auth=credentials
        ) as answer:
            if answer.status >= 400:
                raise self._refused(await message_of(answer), image)
            async for line in answer.content:
                if line.strip() and (trouble := json.loads(line).get("error")):
                    raise self._refused(str(trouble), image)

    def _refused(self, text: str, image: str) -> RuntimeFailure:
        return pull_refused(text, image=image, node=self._node)


def _is_there(sdk: APIClient, image: str) -> bool:
    try:
        sdk.inspect_image(image)  # type: ignore[no-untyped-call]  # the stubs leave it out
    except APIError as error:
        if not error.is_client_error():
            raise
        return False  # not there, or no name of an image, which the pull will say better
    return True


def _credentials(repository: str) -> str:
    """What ``docker login`` left for the image's registry, as the engine wants it; empty for none."""
    registry, _ = auth.resolve_repository_name(repository)
    found = auth.load_config().resolve_authconfig(registry)
    return auth.encode_header(found).decode("ascii") if found else ""
