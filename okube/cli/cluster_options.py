"""The options that commands about the machines of cluster.yaml share."""

import click

from okube.cli.options import times

__all__ = ["bundle_file", "cluster_file", "dry_runs", "meets_machines", "until_well", "without_silent"]

cluster_file = click.option(
    "-f", "--file", "--config", "config", metavar="FILE", help="cluster.yaml; else OKUBE_CONFIG, ./ or ~/.okube/."
)
"""Which cluster.yaml."""
bundle_file = click.option(
    "--bundle",
    metavar="FILE",
    type=click.Path(dir_okay=False, exists=True),
    help="Okube and its wheels; else found in dist, or made.",
)
"""Okube and what it needs, in one file."""
dry_runs = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
"""To look, and to touch nothing."""
without_silent = click.option("--partial", is_flag=True, help="Go on without machines that do not answer.")
"""To go on without machines that are silent."""
meets_machines = click.option("--accept-new-host-keys", is_flag=True, help="Believe machines that were never met.")
"""To take the host keys of machines that were never met."""
until_well = click.option(
    "--timeout", type=times, default="180s", metavar="TIME", show_default=True, help="For it to be well."
)
"""How long to wait for the cluster to be well, in seconds."""
