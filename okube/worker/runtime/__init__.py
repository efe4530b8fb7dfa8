"""What runs containers: Docker, or processes of this machine."""

from okube.worker.runtime.purge import remove_all

__all__ = ["remove_all"]
