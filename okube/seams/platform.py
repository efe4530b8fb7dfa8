"""Which images a machine can run: its operating system and processor, as images name them."""

import platform

__all__ = ["platform_of"]

_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "armv6l": "arm/v6", "i686": "386"}


def platform_of(system: str = platform.system(), machine: str = platform.machine()) -> str:
    """``linux/amd64``, ``linux/arm64``; of this machine unless told of another."""
    return f"{system.lower()}/{_PROCESSORS.get(machine.lower(), machine.lower())}"
