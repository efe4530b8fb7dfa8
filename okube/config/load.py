"""Finds cluster.yaml, reads it, and says all that is wrong with it at once."""

import os
from collections.abc import Mapping
from pathlib import Path

from okube.config import checks
from okube.config.cluster import ClusterConfig, ClusterFile
from okube.config.document import Document, render_errors
from okube.config.yamldoc import load_documents
from okube.model.decode import decode
from okube.model.errors import BadFile, FieldError, InvalidInput

__all__ = ["cluster_of", "find_config", "load_cluster"]


def find_config(explicit: str | None, env: Mapping[str, str]) -> Path | None:
    """Where the cluster's file is, or None.

    That is ``explicit`` (of ``--config``), else ``OKUBE_CONFIG``, else ``./cluster.yaml``, else
    ``~/.okube/cluster.yaml``; the first two need not exist, so that loading them says so.
    """
    named = explicit or env.get("OKUBE_CONFIG")
    if named:
        return Path(named)
    home = env.get("HOME")
    candidates = [Path("cluster.yaml"), *([Path(home, ".okube", "cluster.yaml")] if home else [])]
    return next((path for path in candidates if path.is_file()), None)


def load_cluster(path: Path) -> ClusterConfig:
    """The cluster that a file describes.

    Raises:
        BadFile: it cannot be read.
        Malformed: it is no YAML.
        InvalidInput: it says what cannot be; a line for each error, with file, line and field path.
    """
    documents = load_documents(path)
    if not documents:
        raise BadFile(f"{path} is empty: it names the cluster and its managers; see docs/configuration.md.")
    if len(documents) > 1:
        _refuse(documents[1], [FieldError("", "a second document begins here; the file describes one cluster")])
    return cluster_of(documents[0], path.absolute())


def cluster_of(document: Document, file: Path) -> ClusterConfig:
    """The cluster that a document describes.

    Args:
        document: the file's only document.
        file: its absolute path, to which ``data_dir`` is relative.

    Raises:
        InvalidInput: as ``load_cluster``.
    """
    errors: list[FieldError] = []
    try:
        written = decode(ClusterFile, document.data, what=document.source)
        data_dir = _data_dir(written, file, errors)
        key_dir = _key_dir(written, file, data_dir, errors)
        errors += checks.unknown_places(written)
    except InvalidInput as error:
        errors += error.errors
    errors += checks.problems(document.data)
    if errors:
        _refuse(document, errors)
    return ClusterConfig(
        cluster=written.cluster,
        data_dir=data_dir,
        key_dir=key_dir,
        managers=written.managers,
        workers=written.workers,
        runtime=written.runtime,
        docker=written.docker,
        timing=written.timing,
        reserve=written.reserve,
        snapshots=written.snapshots,
        certificates=written.certificates,
        scheduler=written.scheduler,
        topology=written.topology,
        ssh=written.ssh,
        install=written.install,
        file=file,
        warnings=tuple(checks.warnings(written)),
    )


def _data_dir(written: ClusterFile, file: Path, errors: list[FieldError]) -> Path:
    """The folder, absolute; refused where it holds what is not the cluster's own, for a purge removes it."""
    path = Path(os.path.abspath(file.parent / os.path.expanduser(written.data_dir)))
    precious = (file.parent, Path(os.path.expanduser("~")))
    if any(path == each or path in each.parents for each in precious):
        errors.append(
            FieldError(
                "data_dir",
                f"{written.data_dir!r} is {path}, which holds more than the cluster's files, and 'okube down --purge' "
                "removes it: name a folder of its own, such as .okube",
            )
        )
    return path


def _key_dir(written: ClusterFile, file: Path, data_dir: Path, errors: list[FieldError]) -> Path | None:
    """The folder of the keys, absolute; refused in ``data_dir``, whose copies would hold the keys to themselves."""
    if written.key_dir is None:
        return None
    path = Path(os.path.abspath(file.parent / os.path.expanduser(written.key_dir)))
    if path == data_dir or data_dir in path.parents:
        errors.append(
            FieldError(
                "key_dir",
                f"{written.key_dir!r} is {path}, inside of data_dir: whoever has a copy of that would have the keys to "
                "what is encrypted in it; name a folder elsewhere, such as ~/.okube/keys",
            )
        )
    return path


def _refuse(document: Document, errors: list[FieldError]) -> None:
    error = InvalidInput("", tuple(errors))
    raise InvalidInput("\n".join(render_errors(document, error)), tuple(errors))
