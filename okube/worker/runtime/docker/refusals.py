"""What the engine says when it refuses, in the words of a person who is paged at night.

The engine tells the kind of trouble by text alone. The patterns here are of Docker 20.10 to 28; text that none of them
fits is passed on as it is, with the reason ``start-failed``.
"""

import re
from collections.abc import Callable

from okube.worker.runtime.base import RuntimeFailure

__all__ = ["image_absent", "pull_refused", "start_refused", "volume_absent"]

_NOISE = re.compile(
    r"^(?:failed to create task for container: |failed to create shim task: |OCI runtime create failed: |"
    r"runc create failed: |unable to start container process: |error during container init: )+"
)
_PORT = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]*\]|:::?|\*):(\d{1,5})")


def start_refused(text: str, *, image: str, node: str) -> RuntimeFailure:
    """Why a container cannot be made or started."""
    for pattern, failure in _KINDS:
        if match := pattern.search(text):
            return failure(match, text, image, node)
    return RuntimeFailure(
        "start-failed", f"the engine of node {node} cannot start a container of {image}: {_bare(text)}"
    )


def pull_refused(text: str, *, image: str, node: str) -> RuntimeFailure:
    """Why an image cannot be pulled."""
    advice = "make sure that the node reaches the registry, or load the image there with docker load"
    if re.search(r"denied|not found|does not exist|unauthorized|manifest unknown|authentication", text):
        advice = "check its name and tag, and log in to its registry on that node with docker login if it is private"
    return RuntimeFailure("image-pull", f"image {image} cannot be pulled on node {node}: {_bare(text)}; {advice}")


def image_absent(image: str, node: str) -> RuntimeFailure:
    """An image that was there a moment ago."""
    return RuntimeFailure("image-pull", f"image {image} is no longer on node {node}; it is pulled anew at the next try")


def volume_absent(path: str, node: str) -> RuntimeFailure:
    """A path of the node that should become a volume."""
    return RuntimeFailure(
        "volume-missing",
        f"path {path} is not on node {node}; make it there, or keep the service on nodes that have it by a constraint",
    )


def _no_command(match: re.Match[str], _text: str, image: str, _node: str) -> RuntimeFailure:
    return RuntimeFailure(
        "start-failed", f'command "{match[1]}" is not in image {image}; correct the service\'s command or its image'
    )


def _not_executable(match: re.Match[str], _text: str, image: str, _node: str) -> RuntimeFailure:
    return RuntimeFailure(
        "start-failed", f'command "{match[1]}" in image {image} is not an executable file; correct the command'
    )


def _wrong_processor(_match: re.Match[str], _text: str, image: str, node: str) -> RuntimeFailure:
    return RuntimeFailure(
        "start-failed", f"image {image} is not made for the processor of node {node}; use an image for its architecture"
    )


def _none_given(_match: re.Match[str], _text: str, image: str, _node: str) -> RuntimeFailure:
    return RuntimeFailure("start-failed", f"image {image} has no command of its own; give the service a command")


def _port_taken(_match: re.Match[str], text: str, _image: str, node: str) -> RuntimeFailure:
    port = _PORT.search(text)
    which = f"host port {port[1]}" if port else "a host port of the service"
    return RuntimeFailure(
        "port-conflict", f"{which} is taken on node {node}; free it there, or give the service another host port"
    )


def _path_absent(match: re.Match[str], _text: str, _image: str, node: str) -> RuntimeFailure:
    return volume_absent(match[1], node)


def _volume_trouble(_match: re.Match[str], text: str, image: str, node: str) -> RuntimeFailure:
    return RuntimeFailure("volume-missing", f"a volume for {image} cannot be mounted on node {node}: {_bare(text)}")


def _no_image(_match: re.Match[str], _text: str, image: str, node: str) -> RuntimeFailure:
    return image_absent(image, node)


_KINDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, str, str], RuntimeFailure]], ...] = (
    (re.compile(r"port is already allocated|address already in use|failed to bind host port"), _port_taken),
    (re.compile(r"bind source path does not exist: (\S+)"), _path_absent),
    (re.compile(r'exec: "([^"]*)": executable file not found'), _no_command),
    (re.compile(r'exec: "([^"]*)": stat [^:]*: no such file or directory'), _no_command),
    (
        re.compile(r'exec: "([^"]*)": (?:stat [^:]*: )?(?:permission denied|is a directory|not a directory)'),
        _not_executable,
    ),
    (re.compile(r"exec format error"), _wrong_processor),
    (re.compile(r"[Nn]o command specified"), _none_given),
    (re.compile(r"No such image"), _no_image),
    (re.compile(r"error while (?:mounting|creating mount)|no such volume|invalid mount config"), _volume_trouble),
)


def _bare(text: str) -> str:
    return _NOISE.sub("", text.strip()).removesuffix(": unknown").rstrip(".")
