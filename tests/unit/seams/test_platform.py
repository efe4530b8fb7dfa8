"""Operating system and processor, as images name them."""

import pytest

from okube.seams.platform import platform_of


@pytest.mark.parametrize(
    ("system", "machine", "found"),
    [
        ("Linux", "x86_64", "linux/amd64"),
        ("Linux", "aarch64", "linux/arm64"),
        ("Linux", "armv7l", "linux/arm/v7"),
        ("Darwin", "arm64", "darwin/arm64"),
        ("Linux", "riscv64", "linux/riscv64"),
    ],
)
def test_a_machine_is_called_as_images_call_it(system: str, machine: str, found: str) -> None:
    assert platform_of(system, machine) == found
