"""``lab trial``: a small lab by software emulation, from the box to ``vagrant destroy``, with a transcript and times.

It takes two cores about a quarter of an hour, so no test runs it. It needs root, and installs Debian's packages.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from okube.processes.launch import okube_command
from vagrant.emulation import NoEmulation, interpreter, is_root, libvirt, namespaces_command, separate
from vagrant.image import load_image
from vagrant.machines import VirtualMachines
from vagrant.page import render_page
from vagrant.scenarios import Lab, lose_worker
from vagrant.site import FOLDER, Site, read_site
from vagrant.transcript import StepFailed, Transcript

__all__ = ["PACKAGES", "enter", "trial"]

PACKAGES = (
    "vagrant",
    "vagrant-libvirt",
    "libvirt-daemon-system",
    "libvirt-clients",
    "qemu-system-x86",
    "qemu-utils",
    "dnsmasq-base",
    "iptables",
    "iproute2",
    "openssh-client",
)
BOX = FOLDER / ".lab" / "okube-lab.box"
PAGE = FOLDER.parent / "docs" / "vagrant.md"
_LAB_FILE = "emulated.yaml"
_PATIENCE_S = 900.0
_APP = "../examples/demo.yaml"  # from the lab's folder


def enter(env: Mapping[str, str], *, write: bool, keep: bool) -> int:
    """See to packages, box and bundle, then run the trial apart from this machine; returns the exit status.

    Raises:
        NoEmulation: this is not root.
    """
    if not is_root():
        raise NoEmulation("A trial makes namespaces and starts libvirt in them: run it as root.")
    root = FOLDER.parent
    _do("scripts/step", "packages of the trial", "scripts/packages", *PACKAGES, cwd=root)
    if not BOX.exists():
        _do("scripts/step", "the box", "vagrant/box/build", str(BOX), cwd=root)
    _do("make", "--no-print-directory", "wheel-bundle", cwd=root)
    folder = Path(tempfile.mkdtemp(prefix="okube-vagrant-"))
    command = [*interpreter(), "trial", "--inside", str(folder), *(["--write"] if write else [])]
    inside = {
        **env,
        "OKUBE_LAB": _LAB_FILE,
        "HOME": str(folder / "home"),  # so that ~/.vagrant.d is the trial's own
        "VAGRANT_HOME": str(folder / "home" / ".vagrant.d"),
        "VAGRANT_DOTFILE_PATH": str(folder / "dot-vagrant"),
        "VAGRANT_NO_COLOR": "1",
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "VAGRANT_DEFAULT_PROVIDER": "libvirt",
    }
    (folder / "home").mkdir()
    try:
        return subprocess.run(namespaces_command(command), env=inside, cwd=root, check=False).returncode
    finally:
        if keep:
            sys.stdout.write(f"kept: {folder}\n")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def trial(folder: Path, *, write: bool) -> None:
    """Within the namespaces: bring the lab up, use it, break it, and destroy it.

    Raises:
        StepFailed: a step does not come about.
        NoEmulation: virtual machines cannot be made here.
    """
    site = read_site()
    transcript = Transcript(FOLDER, {"OKUBE_CONFIG": str(site.cluster_file)})
    separate(folder)
    try:
        with libvirt(folder):
            try:
                _use(site, transcript)
            finally:
                _destroy(transcript)
    finally:
        (folder / "transcript").write_text("\n".join(transcript.lines))
    if write:
        PAGE.write_text(render_page(transcript.lines, transcript.times, {folder: "/root", FOLDER.parent: "~/okube"}))


def _use(site: Site, transcript: Transcript) -> None:
    lab = Lab(site, VirtualMachines(site, transcript), transcript, okube=okube_command()[0], patience_s=_PATIENCE_S)
    transcript.title("Up")
    transcript.run(
        "vagrant", "box", "add", "--name", "okube/lab", str(BOX), quiet=True, shown="vagrant box add okube-lab.box"
    )
    transcript.run("vagrant", "up", named="vagrant up, with the install")
    lab.wait_whole_cluster()
    lab.okube("status")
    lab.okube("nodes")
    transcript.title("The units on the machines")
    for machine in site.machines:
        lab.on(machine, "systemctl --no-pager --plain --no-legend list-units 'okube-*'")
    transcript.title("Again")
    transcript.run(str(FOLDER / "lab"), "install", shown="vagrant/lab install", named="installed again")
    transcript.title("An app")
    load_image(site, transcript.say)
    lab.okube("apply", "-f", _APP, "--timeout", f"{_PATIENCE_S:.0f}s")
    lab.okube("ps")
    lab.on(site.machine(site.config.workers[0].name), "sudo docker ps --format '{{.Image}} {{.Status}}'")
    transcript.title("A worker is lost")
    lose_worker(lab)


def _destroy(transcript: Transcript) -> None:
    transcript.title("The end")
    transcript.run("vagrant", "destroy", "--force", named="vagrant destroy")
    left = transcript.run("virsh", "-c", "qemu:///system", "list", "--all", "--name").split()
    if left:
        raise StepFailed(f"These machines are left: {', '.join(left)}.")


def _do(*words: str, cwd: Path) -> None:
    done = subprocess.run(words, cwd=cwd, check=False)
    if done.returncode:
        raise StepFailed(f"'{' '.join(words)}' ended with exit status {done.returncode}.")
