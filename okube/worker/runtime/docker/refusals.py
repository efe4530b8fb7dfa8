"""What the engine says when it refuses, in the words of a person who is paged at night.

The engine tells the kind of trouble by text alone. The patterns here are of Docker 20.10 to 28; text that none of them
fits is passed on as it is, with the reason ``start-failed``.
"""

import re
from collections.abc import Callable

from okube.worker.runtime import refusals
from okube.worker.runtime.base import RuntimeFailure

__all__ = [
    "exec_refused",
    "is_being_removed",
    "is_engines_own_trouble",
    "pull_refused",
    "stale_endpoint",
    "start_refused",
]

_NOISE = re.compile(
    r"^(?:failed to create task for container: |failed to create shim task: |OCI runtime create failed: |"
    r"OCI runtime exec failed: |exec failed: |runc create failed: |unable to start container process: |"
    r"error during container init: )+"
)
_ENGINES_OWN = re.compile(
    r"failed to update store|\bopen : no such file|transport is closing|ttrpc: closed|error while dialing|"
    r"context canceled|shutting down|"
    r"containerd[^:]*: (?:connection refused|unavailable)"
)
_PORT = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]*\]|:::?|\*):(\d{1,5})")


def is_engines_own_trouble(text: str) -> bool:
    """Whether a refusal is no fault of the container: the engine is just going down, or has lost its helpers."""
    return _ENGINES_OWN.search(text) is not None


def is_being_removed(text: str) -> bool:
    """Whether somebody removes the container at this moment."""
    return "marked for removal" in text or ("removal of container" in text and "in progress" in text)


def stale_endpoint(text: str) -> str | None:
    """The network where the engine has a container still, after it went down in the middle of a start."""
    match = re.search(r"endpoint with name \S+ already exists in network (\S+)", text)
    return match[1] if match else None


def start_refused(text: str, *, image: str, node: str) -> RuntimeFailure:
    """Why a container cannot be made or started."""
    for pattern, failure in _KINDS:
        if match := pattern.search(text):
            return failure(match, image, node)
    return RuntimeFailure("start-failed", f"node {node} cannot start a container of {image}: {_bare(text)}")


def pull_refused(text: str, *, image: str, node: str) -> RuntimeFailure:
    """Why an image cannot be pulled."""
    advice = "make sure that the node reaches the registry, or load the image there with docker load"
    if re.search(r"denied|not found|does not exist|unauthorized|manifest unknown|authentication", text):
        advice = "check its name and tag, and log in to its registry on that node with docker login if it is private"
    return RuntimeFailure("image-pull", f"image {image} cannot be pulled on node {node}: {_bare(text)}; {advice}")


def exec_refused(text: str, command: str) -> tuple[bool, str]:
    """Whether it is the command that is not there, and why it cannot be run in a container."""
    bare = _bare(text)
    if re.search(r"executable file not found|stat [^:]*: no such file or directory|: no such file or directory", bare):
        return True, refusals.no_such_command_to_exec(command)
    if re.search(r"permission denied|is a directory|not a directory", bare):
        return False, f'command "{command}" cannot be run: Permission denied'
    return False, f'command "{command}" cannot be run: {bare or "the engine does not say why"}'


def _port_taken(match: re.Match[str], _image: str, node: str) -> RuntimeFailure:
    port = _PORT.search(match.string)
    return refusals.port_taken(int(port[1]) if port else None, node)


def _volume_trouble(match: re.Match[str], image: str, node: str) -> RuntimeFailure:
    return RuntimeFailure(
        "volume-missing", f"a volume for {image} cannot be mounted on node {node}: {_bare(match.string)}"
    )


def _no_image(_match: re.Match[str], image: str, node: str) -> RuntimeFailure:
    return RuntimeFailure("image-pull", f"image {image} is no longer on node {node}; it is pulled anew at the next try")


_KINDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, str], RuntimeFailure]], ...] = (
    (re.compile(r"port is already allocated|address already in use|failed to bind host port"), _port_taken),
    (re.compile(r"bind source path does not exist: (\S+)"), lambda m, _image, node: refusals.path_absent(m[1], node)),
    (
        re.compile(r'exec: "([^"]*)": (?:executable file not found|stat [^:]*: no such file or directory)'),
        lambda m, image, _node: refusals.no_such_command(m[1], image),
    ),
    (
        re.compile(r'exec: "([^"]*)": (?:stat [^:]*: )?(?:permission denied|is a directory|not a directory)'),
        lambda m, image, _node: refusals.not_executable(m[1], image),
    ),
    (re.compile(r"exec format error"), lambda _m, image, node: refusals.wrong_processor(image, node)),
    (re.compile(r"[Nn]o command specified"), lambda _m, image, _node: refusals.no_command_given(image)),
    (re.compile(r"No such image"), _no_image),
    (re.compile(r"error while (?:mounting|creating mount)|no such volume|invalid mount config"), _volume_trouble),
)


def _bare(text: str) -> str:
    return _NOISE.sub("", text.strip()).removesuffix(": unknown").rstrip(".")
