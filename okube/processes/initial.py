"""``okube cluster init``: the files of a new cluster, and nothing started."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from okube.config import load_cluster
from okube.model.errors import Conflict
from okube.processes.lock import one_at_a_time
from okube.processes.places import refuse_half_restored
from okube.processes.seed import Bootstrap, sow
from okube.processes.settings import authority_files
from okube.processes.up import bootstrap_first, refuse_first_elsewhere
from okube.security import ClusterFiles
from okube.security.ca import load_ca
from okube.security.private import ensure_folder

__all__ = ["make_cluster"]


def make_cluster(config_path: Path, echo: Callable[[str], None], *, bootstrap: Bootstrap | None = None) -> None:
    """Make the CA, the admin's credentials, and a folder for each process of cluster.yaml.

    It may be interrupted and called again, until it is done once.

    Raises:
        Conflict: the cluster was made already, or is to be made on another machine; nothing is changed.
        OkubeError: cluster.yaml is wrong, or what is in the data directory is in the way.
    """
    config = load_cluster(config_path.absolute())
    refuse_first_elsewhere(config)
    files = ClusterFiles(config.data_dir)
    with one_at_a_time(ensure_folder(config.data_dir) / "up.lock", what=f"cluster {config.cluster}"):
        if files.seed.exists():
            raise Conflict(
                f"The cluster {config.cluster} was made already, in {config.data_dir}: 'okube up' starts it."
            )
        refuse_half_restored(config.data_dir)
        sown = sow(
            config,
            bootstrap=bootstrap or bootstrap_first,
            rng=random.SystemRandom(),
            now_ms=time.time_ns() // 1_000_000,
        )
    authority = load_ca(authority_files(config, sown.seed.cluster_id))
    echo(f"cluster {config.cluster} ({sown.seed.cluster_id}) is made in {config.data_dir}")
    echo(f"its CA is good until {authority.certificate.not_valid_after_utc:%Y-%m-%d}")
    for problem in sown.unusable.values():
        echo(f"note: {problem}")
    echo("'okube up' starts what of it belongs to this machine; other machines join with 'okube join'")
