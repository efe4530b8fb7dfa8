"""``lab image``: the demo's image in the engine of each worker's machine, over SSH, for there is no registry."""

import subprocess
from collections.abc import Callable

from okube.install.inventory import Access
from okube.model.errors import OkubeError
from okube.processes.image import DEMO_IMAGE, find_busybox, root_files
from vagrant.site import Site, name_of

__all__ = ["ImageNotLoaded", "load_image", "ssh_words"]

Say = Callable[[str], None]
_TIMEOUT_S = 300


class ImageNotLoaded(OkubeError):
    """A machine's engine did not take the image."""

    kind = "image-not-loaded"


def load_image(site: Site, say: Say) -> None:
    """Have the image on every machine with a worker; one that has it is left alone.

    Raises:
        ImageNotLoaded: a machine cannot be reached, or its engine refuses.
    """
    tar = root_files(find_busybox())
    program = (
        f"sudo docker image inspect {DEMO_IMAGE} >/dev/null 2>&1 || sudo docker import -c 'EXPOSE 80' - {DEMO_IMAGE}"
    )
    for machine in site.machines:
        if not machine.workers:
            continue
        done = subprocess.run(
            [*ssh_words(machine.access), program], input=tar, capture_output=True, check=False, timeout=_TIMEOUT_S
        )
        if done.returncode:
            raise ImageNotLoaded(f"{name_of(machine)} does not take {DEMO_IMAGE}: {done.stderr.decode().strip()}")
        say(f"{name_of(machine)}: {DEMO_IMAGE} is there")


def ssh_words(access: Access) -> list[str]:
    """How a command is run on a machine, by what the cluster's file says of SSH."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", f"UserKnownHostsFile={access.known_hosts}"]
    if access.identity_file is not None:
        words += ["-i", str(access.identity_file)]
    return [*words, "-p", str(access.port), f"{access.user}@{access.host}"]
