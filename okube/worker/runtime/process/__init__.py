"""Tasks as process groups of the host: the runtime for a machine without an engine."""

from okube.worker.runtime.process.runtime import ProcessRuntime

__all__ = ["ProcessRuntime"]
