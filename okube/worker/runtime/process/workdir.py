"""The working directory of a process task: a copy of its image, with its volumes linked in."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from okube.model.mounts import path_of
from okube.model.spec import ServiceSpec, Volume
from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.naming import volume_name
from okube.worker.runtime.refusals import no_command_given, path_absent

__all__ = ["HOST_IMAGE", "Images", "Volumes", "command_of"]

HOST_IMAGE = "host"
_DEFAULT_COMMAND = "run"


class Images:
    """The images of a node: the directories below ``folder``, by their path there; ``host`` is an empty one."""

    def __init__(self, folder: Path, node: str) -> None:
        self._folder = folder
        self._node = node

    def locate(self, image: str) -> Path | None:
        """The directory of an image; None for ``host``.

        Raises:
            RuntimeFailure: ``image-pull``.
        """
        if image == HOST_IMAGE:
            return None
        folder = self._folder / image
        if image.startswith("/") or ".." in image.split("/") or not folder.is_dir():
            raise RuntimeFailure(
                "image-pull",
                f"image {image} is not on node {self._node}: the process runtime runs the image 'host' and the "
                f"directories below {self._folder}; put it there, or run the node with Docker",
            )
        return folder

    def copy(self, image: str, target: Path) -> None:
        """Make ``target`` a working directory of ``image``."""
        source = self.locate(image)
        if source is None:
            target.mkdir()
        else:
            shutil.copytree(source, target, symlinks=True)


class Volumes:
    """Volumes as links: named ones are directories below ``folder``, the others paths of the node.

    A link cannot be read-only; ``read_only`` holds on Docker alone.
    """

    def __init__(self, folder: Path, cluster_id: str, node: str) -> None:
        self._folder = folder
        self._cluster_id = cluster_id
        self._node = node

    def check(self, spec: ServiceSpec) -> None:
        """Refuse what cannot be linked.

        Raises:
            RuntimeFailure: ``volume-missing``; ``start-failed`` for a volume within another.
        """
        targets = [Path(volume.target) for volume in spec.volumes]
        for kind, mount in spec.all_mounts:
            if mount.is_file and any(target in Path(path_of(kind, mount)).parents for target in targets):
                raise RuntimeFailure(
                    "start-failed",
                    f"service {spec.name} has {kind} {mount.name} within a volume, which the process runtime of "
                    f"node {self._node} cannot do; put it elsewhere, or run the service on nodes with Docker",
                )
        for volume in spec.volumes:
            if "/" in volume.source and not Path(volume.source).exists():
                raise path_absent(volume.source, self._node)
            if any(target in Path(volume.target).parents for target in targets):
                raise RuntimeFailure(
                    "start-failed",
                    f"service {spec.name} has volume {volume.target} within another volume, which the process runtime "
                    f"of node {self._node} cannot do; put it elsewhere, or run the service on nodes with Docker",
                )

    def link(self, spec: ServiceSpec, work: Path, more: Iterable[tuple[Path, str]] = ()) -> None:
        """Link each volume into ``work``, in place of what the image has there; named ones are made if absent.

        ``more`` are other paths of the node, and where they are linked.
        """
        self.check(spec)
        for source, target in (*((self._source(volume), volume.target) for volume in spec.volumes), *more):
            place = work / target.lstrip("/")
            if not place.parent.resolve().is_relative_to(work.resolve()):
                raise RuntimeFailure(
                    "start-failed",
                    f"{target} of service {spec.name} is behind a link of image {spec.image} that leads "
                    "out of it; put it elsewhere",
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
            place.symlink_to(source)

    def _source(self, volume: Volume) -> Path:
        if "/" in volume.source:
            return Path(volume.source)
        folder = self._folder / volume_name(self._cluster_id, volume.source)
        folder.mkdir(parents=True, exist_ok=True)
        return folder.resolve()


def command_of(spec: ServiceSpec, work: Path) -> tuple[str, ...]:
    """What to run: the service's command, else the image's program ``run``.

    Raises:
        RuntimeFailure: ``start-failed``.
    """
    if spec.command:
        return spec.command
    if (work / _DEFAULT_COMMAND).is_file():
        return (f"./{_DEFAULT_COMMAND}",)
    raise no_command_given(spec.image)
