"""Secrets and configs as a service asks for them: under which path or variable, and what follows when they change.

Only names, paths and versions stand here; a value never does.
"""

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec

from okube.model.errors import FieldError
from okube.model.names import MAX_NAME, NAME_PATTERN, name_error
from okube.model.secret import SecretKind

__all__ = ["AGENTS_KNOW", "KINDS", "SECRETS_FOLDER", "Given", "Mount", "MountKind", "Mounts", "path_of"]

MountKind = SecretKind

KINDS: tuple[MountKind, MountKind] = ("secret", "config")
SECRETS_FOLDER = "/run/secrets"
AGENTS_KNOW = 3
"""The command version of the first Okube whose agents give anything to tasks."""
_MODE = re.compile(r"0?[0-7]{3}")
_SIGNAL = re.compile(r"SIG[A-Z0-9+-]{2,10}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_ID = (1 << 31) - 1


def _parse_mode(data: object) -> str:
    if isinstance(data, str) and _MODE.fullmatch(data):
        return f"{int(data, 8):04o}"
    raise ValueError(f"{data!r} is no mode of a file: write it in octal and in quotes, such as '0440'")


def _check_id(number: int) -> str | None:
    return None if 0 <= number <= _MAX_ID else f"{number} is no id of a user or group: 0 to {_MAX_ID}"


def _check_variable(text: str) -> str | None:
    return None if _VARIABLE.fullmatch(text) else f"{text!r} is no name of an environment variable"


def _check_on_rotate(text: str) -> str | None:
    if text in ("restart", "keep") or _SIGNAL.fullmatch(text):
        return None
    return f"{text!r} says nothing of a rotation: restart, keep, or a signal such as SIGHUP"


def _check_name(text: str) -> str | None:
    return name_error(text)


Id = Annotated[int, msgspec.Meta(extra={"check": _check_id}, extra_json_schema={"minimum": 0, "maximum": _MAX_ID})]


class Mount(msgspec.Struct, frozen=True):
    """A secret or config that a service's tasks are given; as text, ``NAME`` or ``NAME:TARGET``.

    It is a file at ``target``, or the variable ``env``, or both where both are named. ``on_rotate`` is what follows
    when it gets another value: ``restart`` replaces the tasks one slot after the other, a signal is sent once the file
    has the new value, and ``keep`` leaves tasks as they are until something else replaces them.
    """

    name: Annotated[
        str,
        msgspec.Meta(extra={"check": _check_name}, extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME}),
    ]
    target: str = ""
    mode: Annotated[
        str, msgspec.Meta(extra={"parse": _parse_mode}, extra_json_schema={"pattern": f"^{_MODE.pattern}$"})
    ] = "0444"
    uid: Id = 0
    gid: Id = 0
    env: (
        Annotated[
            str,
            msgspec.Meta(extra={"check": _check_variable}, extra_json_schema={"pattern": f"^{_VARIABLE.pattern}$"}),
        ]
        | None
    ) = None
    on_rotate: Annotated[
        str,
        msgspec.Meta(
            extra={"check": _check_on_rotate}, extra_json_schema={"pattern": f"^(restart|keep|{_SIGNAL.pattern})$"}
        ),
    ] = "restart"

    @classmethod
    def parse_text(cls, text: str) -> "Mount":
        """``db-password`` or ``tls-key:/etc/tls/key.pem``; raises ValueError."""
        name, colon, target = text.partition(":")
        mount = cls(name, target)
        for message in (name_error(name), *(error.message for error in mount.problems())):
            if message:
                raise ValueError(message)
        if colon and not target:
            raise ValueError(f"{text!r} names no path after its colon")
        return mount

    @property
    def is_file(self) -> bool:
        """Whether tasks find it under a path."""
        return self.env is None or bool(self.target)

    @property
    def signal(self) -> str | None:
        """The signal that tells a task of another value, where there is one."""
        return self.on_rotate if self.on_rotate.startswith("SIG") else None

    def problems(self) -> Iterator[FieldError]:
        """What no single field shows."""
        if self.target and (
            not self.target.isprintable() or self.target.endswith("/") or ".." in self.target.split("/")
        ):
            yield FieldError(
                "target", f"{self.target!r} is not the path of a file: it has no '..' and no '/' at its end"
            )
        if self.env is not None and self.signal:
            yield FieldError(
                "on_rotate",
                f"a variable stays as it is while its task runs, so {self.signal} is in vain: restart",
            )


class Given(msgspec.Struct, frozen=True):
    """One version of a secret or config that a task is given, and how."""

    kind: MountKind
    mount: Mount
    version: int


def path_of(kind: MountKind, mount: Mount) -> str:
    """Where a task finds the file: what is no whole path is below ``/run/secrets``, and for a config below ``/``."""
    target = mount.target or mount.name
    if target.startswith("/"):
        return target
    return f"{SECRETS_FOLDER}/{target}" if kind == "secret" else f"/{target}"


Mounts = tuple[Mount, ...] | msgspec.UnsetType
"""Not set where there are none: rows and files of services without them are what they were before there were any."""
