"""``vagrant/lab``: what the lab does on this host."""

import os
import sys
from pathlib import Path

import click

from okube.model.errors import OkubeError
from okube.processes.launch import okube_command
from vagrant.image import load_image
from vagrant.machines import VirtualMachines
from vagrant.reach import forget, install
from vagrant.scenarios import SCENARIOS, Lab
from vagrant.site import FOLDER, read_site
from vagrant.transcript import Transcript


@click.group()
def lab() -> None:
    """The lab of virtual machines; OKUBE_LAB names another lab file than vagrant/lab.yaml."""


@lab.command("install")
def install_command() -> None:
    """Have Okube on the machines, once all of them are up (`vagrant up` calls it)."""
    sys.exit(install(read_site(), click.echo))


@lab.command("forget")
@click.argument("machine")
def forget_command(machine: str) -> None:
    """Forget a machine that was destroyed (`vagrant destroy` calls it)."""
    forget(read_site(), machine, click.echo)


@lab.command("image")
def image_command() -> None:
    """Have the demo's image on the machines of workers, without a registry."""
    load_image(read_site(), click.echo)


@lab.command("scenario")
@click.argument("name", type=click.Choice(list(SCENARIOS)))
@click.option(
    "--bundle",
    type=click.Path(exists=True, path_type=Path),
    help="The version to upgrade to, if not this one under its next number.",
)
@click.option("--patience", type=float, default=300, show_default=True, help="How long anything may take, in seconds.")
def scenario_command(name: str, bundle: Path | None, patience: float) -> None:
    """Do something bad to the lab, and look whether the cluster bears it."""
    site = read_site()
    transcript = Transcript(FOLDER, {"OKUBE_CONFIG": str(site.cluster_file)})
    machines = VirtualMachines(site, transcript)
    okube = okube_command()[0]
    if name == "upgrade" and bundle is None:
        from vagrant.nextversion import bundle_of_next_version

        bundle = bundle_of_next_version(FOLDER.parent, FOLDER / ".lab" / "next")
    bundle = None if bundle is None else bundle.absolute()
    SCENARIOS[name](Lab(site, machines, transcript, okube=okube, patience_s=patience, bundle=bundle))


@lab.command("trial")
@click.option("--write", is_flag=True, help="Write the transcript to docs/vagrant.md.")
@click.option("--keep", is_flag=True, help="Keep the folder of the trial, with the logs of libvirt.")
@click.option("--inside", hidden=True, type=click.Path(path_type=Path), help="The folder, within the namespaces.")
def trial_command(write: bool, keep: bool, inside: Path | None) -> None:
    """Bring up a small lab by software emulation, apart from this machine's network and libvirt, and use it."""
    from vagrant.trial import enter, trial

    if inside is None:
        sys.exit(enter(os.environ, write=write, keep=keep))
    trial(inside, write=write)


def main() -> None:
    """Run it; what Okube knows to be wrong is a sentence."""
    try:
        lab(prog_name="vagrant/lab")
    except OkubeError as error:
        click.echo(f"lab: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
