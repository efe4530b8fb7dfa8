"""Both runtimes, each at a site of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okube.worker.runtime.base import Runtime
from tests.lab.runtime.site import DockerSite, ProcessSite, Site

ON_DOCKER = pytest.param("docker", marks=pytest.mark.xdist_group("docker"))


@pytest.fixture(params=[ON_DOCKER, "process"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Where the test's tasks run: once on Docker, once as processes."""
    made: Site
    if request.param == "docker":
        engine = request.getfixturevalue("docker_engine")
        made = DockerSite(engine.base_url, engine.image)
    else:
        made = ProcessSite(tmp_path / "node")
    yield made
    await made.close()


@pytest.fixture
async def runtime(site: Site) -> Runtime:
    """The runtime of node w1."""
    return await site.runtime()
