"""Containers of a Docker Engine: the runtime for production."""

from okube.worker.runtime.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime"]
