"""A Kubernetes API as far as the extender asks it: lists in pages, and watches from a version on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from okube.kube.access import ApiAccess
from okube.kube.protocol import Metadata, Pod


class FakeApi:
    """Holds pods and nodes, each change with a version of its own; a forgotten version is answered 410."""

    def __init__(self) -> None:
        self.version = 0
        self.objects: dict[str, dict[str, Any]] = {"pods": {}, "nodes": {}}
        self.changes: list[tuple[int, str, dict[str, Any]]] = []
        self.forgotten = 0
        self.failing = 0
        self.ended = 0
        self.page = 500
        self.asked: list[web.Request] = []
        self._changed = asyncio.Condition()

    async def put(self, thing: Pod | Metadata) -> None:
        kind = "pods" if isinstance(thing, Pod) else "nodes"
        data = msgspec.to_builtins(thing if isinstance(thing, Pod) else {"metadata": thing})
        known = self.objects[kind]
        await self._change("MODIFIED" if data["metadata"]["name"] in known else "ADDED", kind, data)
        known[data["metadata"]["name"]] = data

    async def delete(self, kind: str, name: str) -> None:
        await self._change("DELETED", kind, self.objects[kind].pop(name))

    async def end_watches(self) -> None:
        """Every watch ends now, as the API ends them at times."""
        async with self._changed:
            self.ended += 1
            self._changed.notify_all()

    async def forget(self) -> None:
        """What has changed so far is not kept any more."""
        self.forgotten = self.version
        await self.end_watches()

    async def _change(self, event: str, kind: str, data: dict[str, Any]) -> None:
        async with self._changed:
            self.version += 1
            data["metadata"]["resourceVersion"] = str(self.version)
            self.changes.append((self.version, event, {"kind": kind} | data))
            self._changed.notify_all()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if self.failing:
            self.failing -= 1
            return web.Response(status=500, text="etcd is not well")
        kind = request.path.rpartition("/")[2]
        if "watch" in request.query:
            return await self._watch(request, kind)
        items = list(self.objects[kind].values())
        start = int(request.query.get("continue", 0))
        more = str(start + self.page) if start + self.page < len(items) else ""
        meta = {"resourceVersion": str(self.version), "continue": more}
        return web.json_response({"metadata": meta, "items": items[start : start + self.page]})

    async def _watch(self, request: web.Request, kind: str) -> web.StreamResponse:
        since = int(request.query["resourceVersion"])
        response = web.StreamResponse()
        await response.prepare(request)
        if since < self.forgotten:
            gone = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
            await response.write(msgspec.json.encode(gone) + b"\n")
            return response
        ended, told = self.ended, since
        while self.ended == ended:
            new = [change for change in self.changes if change[0] > told]
            for version, event, data in new:
                told = version
                if data["kind"] == kind:
                    await response.write(msgspec.json.encode({"type": event, "object": data}) + b"\n")
            async with self._changed:
                if self.ended == ended and self.version <= told:
                    await self._changed.wait()
        return response


@asynccontextmanager
async def a_fake_api() -> AsyncIterator[tuple[FakeApi, ApiAccess]]:
    """It serves on loopback until the end of the block."""
    api = FakeApi()
    app = web.Application()
    app.add_routes([web.get("/api/v1/{kind}", api.handle)])
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield api, ApiAccess(f"http://127.0.0.1:{runner.addresses[0][1]}", None, lambda: "a-token")
    finally:
        await runner.cleanup()
