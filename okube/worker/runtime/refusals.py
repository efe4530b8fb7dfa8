"""Why a task cannot be made or started, in sentences that both runtimes share."""

from okube.worker.runtime.base import RuntimeFailure

__all__ = [
    "no_command_given",
    "no_such_command",
    "no_such_command_to_exec",
    "not_executable",
    "path_absent",
    "port_taken",
    "wrong_processor",
]


def no_such_command(command: str, image: str) -> RuntimeFailure:
    """The image has no such program."""
    return RuntimeFailure(
        "start-failed", f'command "{command}" is not in image {image}; correct the service\'s command or its image'
    )


def not_executable(command: str, image: str) -> RuntimeFailure:
    """There is such a file, and it is no program."""
    return RuntimeFailure(
        "start-failed", f'command "{command}" in image {image} is not an executable file; correct the command'
    )


def wrong_processor(image: str, node: str) -> RuntimeFailure:
    """The program is for machines of another kind."""
    return RuntimeFailure(
        "start-failed", f"image {image} is not made for the processor of node {node}; use an image for its architecture"
    )


def no_command_given(image: str) -> RuntimeFailure:
    """Neither the service nor the image says what to run."""
    return RuntimeFailure("start-failed", f"image {image} has no command of its own; give the service a command")


def port_taken(port: int | None, node: str) -> RuntimeFailure:
    """Somebody else holds a host port."""
    which = f"host port {port}" if port else "a host port of the service"
    return RuntimeFailure(
        "port-conflict", f"{which} is taken on node {node}; free it there, or give the service another host port"
    )


def path_absent(path: str, node: str) -> RuntimeFailure:
    """A path of the node that should become a volume."""
    return RuntimeFailure(
        "volume-missing",
        f"path {path} is not on node {node}; make it there, or keep the service on nodes that have it by a constraint",
    )


def no_such_command_to_exec(command: str) -> str:
    """There is no such program in a task's container."""
    return f'there is no command "{command}" in the container'
