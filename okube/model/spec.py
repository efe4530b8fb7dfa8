"""What a user asks for: the service as it stands in a service file and in the API."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import msgspec

from okube.model.constraints import contradictions, parse_constraint
from okube.model.decode import decode
from okube.model.dependency import Dependencies, Dependency, dependency_problems
from okube.model.errors import FieldError
from okube.model.mounts import AGENTS_KNOW, KINDS, SECRETS_FOLDER, Given, Mount, MountKind, Mounts, path_of
from okube.model.names import MAX_NAME, NAME_PATTERN, is_dns_label, name_error
from okube.model.placing import Companies, Company, MaxPerNode, Preference, Preferences, Priority, company_problems
from okube.model.quantities import parse_seconds
from okube.model.resources import LIMITS_KNOWN, Resources

__all__ = [
    "MAX_REPLICAS",
    "Mode",
    "Port",
    "Protocol",
    "Restart",
    "RestartPolicy",
    "ServiceSpec",
    "Stop",
    "Update",
    "Volume",
    "decode_spec",
]

MAX_REPLICAS = 100_000
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LABEL_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?")
_SIGNAL = re.compile(r"SIG[A-Z0-9+-]{2,10}")

Mode = Literal["replicated", "global", "job", "cron"]
Protocol = Literal["tcp", "udp"]
RestartPolicy = Literal["always", "on-failure", "never"]


def _check_name(text: str) -> str | None:
    return name_error(text)


def _check_image(text: str) -> str | None:
    if not text or len(text) > 512 or any(c.isspace() or not c.isprintable() for c in text):
        return f"{text!r} is not an image: a name such as nginx:1.27, without blanks"
    return None


def _check_constraint(text: str) -> str | None:
    try:
        parse_constraint(text)
    except ValueError as error:
        return str(error)
    return None


def _check_replicas(count: int) -> str | None:
    return None if 0 <= count <= MAX_REPLICAS else f"{count} is out of range: 0 to {MAX_REPLICAS}"


def _check_port(port: int) -> str | None:
    return None if 1 <= port <= 65535 else f"{port} is no port: 1 to 65535"


def _check_host_port(port: int) -> str | None:
    return None if 0 <= port <= 65535 else f"{port} is no host port: 1 to 65535, or 0 for any free one"


def _check_signal(text: str) -> str | None:
    return None if _SIGNAL.fullmatch(text) else f"{text!r} is no signal: write SIGTERM, SIGINT, ..."


def _check_max(count: int) -> str | None:
    return None if 1 <= count <= 1_000_000 else f"{count} is out of range: 1 to 1000000"


def _parse_command(data: object) -> tuple[str, ...]:
    if isinstance(data, str):
        raise ValueError(f"a list is expected, one item a word: [{', '.join(data.split())}]")
    if not isinstance(data, list | tuple) or not all(isinstance(word, str) for word in data):
        raise ValueError("a list of texts is expected, one item a word; put numbers in quotes")
    if any("\0" in word for word in data):
        raise ValueError("a word holds a NUL character")
    return tuple(data)


def _parse_env(data: object) -> dict[str, str]:
    if isinstance(data, list | tuple):
        pairs = [str(item).partition("=") for item in data]
        data = {key: value for key, _, value in pairs}
        if len(data) < len(pairs):
            raise ValueError("a variable is given twice")
    if not isinstance(data, dict):
        raise ValueError("a mapping NAME: value is expected")
    made: dict[str, str] = {}
    for key, value in data.items():
        if not isinstance(key, str) or not _ENV_NAME.fullmatch(key):
            raise ValueError(f"{key!r} is no name of an environment variable")
        if isinstance(value, dict | list | tuple):
            raise ValueError(f"the value of {key} is not text")
        if isinstance(value, bool):
            raise ValueError(f"the value of {key} is {value}, which programs read in different ways; put it in quotes")
        made[key] = "" if value is None else str(value)
        if "\0" in made[key]:
            raise ValueError(f"the value of {key} holds a NUL character")
    return made


def _parse_labels(data: object) -> dict[str, str]:
    if not isinstance(data, dict):
        raise ValueError("a mapping KEY: value is expected")
    made: dict[str, str] = {}
    for key, value in data.items():
        if not isinstance(key, str) or not _LABEL_KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no label key: letters, digits, '.', '_', '-' and '/'")
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise ValueError(f"the value of label {key} is not text; put it in quotes")
        made[key] = str(value)
        if "\0" in made[key]:
            raise ValueError(f"the value of label {key} holds a NUL character")
    return made


def _between(low: float, high: float) -> dict[str, Any]:
    """For the API's reference; the checks say it in words."""
    return {"minimum": low, "maximum": high}


Name = Annotated[
    str,
    msgspec.Meta(extra={"check": _check_name}, extra_json_schema={"pattern": NAME_PATTERN, "maxLength": MAX_NAME}),
]
Seconds = Annotated[float, msgspec.Meta(extra={"parse": parse_seconds})]
Labels = Annotated[dict[str, str], msgspec.Meta(extra={"parse": _parse_labels})]
Constraint = Annotated[str, msgspec.Meta(extra={"check": _check_constraint})]


class Port(msgspec.Struct, frozen=True):
    """A port of the container and the host port that leads to it; host 0 is any free one."""

    container: Annotated[int, msgspec.Meta(extra={"check": _check_port}, extra_json_schema=_between(1, 65535))]
    host: Annotated[int, msgspec.Meta(extra={"check": _check_host_port}, extra_json_schema=_between(0, 65535))] = 0
    protocol: Protocol = "tcp"

    @classmethod
    def parse_text(cls, text: str) -> "Port":
        """``8080:80``, ``8080:80/udp`` or ``80`` (any free host port); raises ValueError."""
        match = re.fullmatch(r"(?:([0-9]{1,5}):)?([0-9]{1,5})(?:/(\w+))?", text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a port: write HOST:CONTAINER, such as 8080:80 or 8080:80/udp")
        port = cls(container=int(match[2]), host=int(match[1] or 0), protocol=match[3] or "tcp")  # type: ignore[arg-type]  # checked next
        message = _check_port(port.container) or _check_host_port(port.host)
        if port.protocol not in ("tcp", "udp"):
            message = f"{port.protocol!r} is no protocol of a port: tcp or udp"
        if message:
            raise ValueError(message)
        return port


def _is_path(text: str) -> bool:
    return text.startswith("/") and ".." not in text.split("/") and text.isprintable()


class Volume(msgspec.Struct, frozen=True):
    """A named volume, or a path of the node where ``source`` has a slash, and where the container sees it."""

    source: str
    target: str
    read_only: bool = False

    @classmethod
    def parse_text(cls, text: str) -> "Volume":
        """``data:/var/lib/data`` or ``/srv/www:/www:ro``; raises ValueError."""
        parts = text.split(":")
        if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] not in ("ro", "rw")):
            raise ValueError(f"{text!r} is not a volume: write NAME:/path, /host/path:/path, and :ro to only read")
        volume = cls(parts[0], parts[1], parts[-1] == "ro" if len(parts) == 3 else False)
        for error in volume.problems():
            raise ValueError(error.message)
        return volume

    def problems(self) -> Iterator[FieldError]:
        """What is wrong with source and target."""
        if not _is_path(self.target) or not self.target.strip("/"):
            yield FieldError(
                "target", f"{self.target!r} is not a path in the container: it starts with '/' and has no '..'"
            )
        if "/" in self.source:
            if not _is_path(self.source):
                yield FieldError(
                    "source", f"{self.source!r} is not a path of the node: it starts with '/' and has no '..'"
                )
        elif name_error(self.source):
            yield FieldError("source", f"{self.source!r} is no name of a volume: letters a-z, digits and '-'")


class Restart(msgspec.Struct, frozen=True):
    """What happens when a container ends; ``max`` counts restarts under on-failure (none: for ever)."""

    policy: RestartPolicy = "always"
    max: Annotated[int, msgspec.Meta(extra={"check": _check_max}, extra_json_schema=_between(1, 1_000_000))] | None = (
        None
    )

    @classmethod
    def parse_text(cls, text: str) -> "Restart":
        """``always``, ``never``, ``on-failure`` or ``on-failure:3``; raises ValueError."""
        policy, colon, limit = text.partition(":")
        if policy not in ("always", "on-failure", "never") or (
            colon and (policy != "on-failure" or not re.fullmatch("[0-9]{1,9}", limit))
        ):
            raise ValueError(f"{text!r} is no restart policy: always, on-failure, on-failure:MAX or never")
        restart = cls(policy, int(limit) if colon else None)  # type: ignore[arg-type]  # checked above
        message = _check_max(restart.max) if restart.max is not None else None
        if message:
            raise ValueError(message)
        return restart

    def problems(self) -> Iterator[FieldError]:
        """A maximum that its policy does not have."""
        if self.max is not None and self.policy != "on-failure":
            yield FieldError("max", f"only on-failure has a maximum, not {self.policy}")


class Stop(msgspec.Struct, frozen=True):
    """How a task is stopped: the signal, and the seconds before SIGKILL follows."""

    signal: Annotated[
        str, msgspec.Meta(extra={"check": _check_signal}, extra_json_schema={"pattern": f"^{_SIGNAL.pattern}$"})
    ] = "SIGTERM"
    grace: Seconds = 10.0


class Update(msgspec.Struct, frozen=True):
    """How a changed spec rolls: the old task first stopped, or the new one first started."""

    order: Literal["stop-first", "start-first"] = "stop-first"


class ServiceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Desired state: an image with its settings and how many. The fields are those of a service file."""

    name: Name
    image: Annotated[
        str,
        msgspec.Meta(
            extra={"check": _check_image}, extra_json_schema={"pattern": r"^\S+$", "minLength": 1, "maxLength": 512}
        ),
    ]
    app: Name | None = None
    mode: Mode = "replicated"
    replicas: Annotated[
        int, msgspec.Meta(extra={"check": _check_replicas}, extra_json_schema=_between(0, MAX_REPLICAS))
    ] = 1
    command: Annotated[tuple[str, ...], msgspec.Meta(extra={"parse": _parse_command})] = ()
    env: Annotated[dict[str, str], msgspec.Meta(extra={"parse": _parse_env})] = {}
    ports: tuple[Port, ...] = ()
    resources: Resources = Resources()
    volumes: tuple[Volume, ...] = ()
    restart: Restart = Restart()
    constraints: tuple[Constraint, ...] = ()
    stop: Stop = Stop()
    update: Update = Update()
    labels: Labels = {}
    secrets: Mounts = msgspec.UNSET
    configs: Mounts = msgspec.UNSET
    prefer: Preferences = msgspec.UNSET
    affinity: Companies = msgspec.UNSET
    anti_affinity: Companies = msgspec.UNSET
    max_per_node: MaxPerNode = msgspec.UNSET
    depends_on: Dependencies = msgspec.UNSET
    priority: Priority = msgspec.UNSET

    def mounts(self, kind: MountKind) -> tuple[Mount, ...]:
        """Its secrets, or its configs."""
        found = self.secrets if kind == "secret" else self.configs
        return () if found is msgspec.UNSET else found

    @property
    def all_mounts(self) -> tuple[tuple[MountKind, Mount], ...]:
        """Its secrets, then its configs: the order in which a task has their versions."""
        if self.secrets is msgspec.UNSET and self.configs is msgspec.UNSET:
            return ()
        return tuple((kind, mount) for kind in KINDS for mount in self.mounts(kind))

    @property
    def agents_know(self) -> int:
        """The command version that an agent must know to do what the service asks for."""
        known = AGENTS_KNOW if self.all_mounts else 0
        return known if self.resources.limits is msgspec.UNSET else max(known, LIMITS_KNOWN)

    def given(self, versions: tuple[int, ...]) -> tuple[Given, ...]:
        """Its secrets and configs in these versions."""
        return tuple(
            Given(kind, mount, version) for (kind, mount), version in zip(self.all_mounts, versions, strict=False)
        )

    @property
    def preferences(self) -> tuple[Preference, ...]:
        """What it prefers."""
        return () if self.prefer is msgspec.UNSET else self.prefer

    @property
    def near(self) -> tuple[Company, ...]:
        """Whom its tasks are kept near."""
        return () if self.affinity is msgspec.UNSET else self.affinity

    @property
    def apart(self) -> tuple[Company, ...]:
        """Whom its tasks are kept apart from."""
        return () if self.anti_affinity is msgspec.UNSET else self.anti_affinity

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """Whom its tasks call."""
        return () if self.depends_on is msgspec.UNSET else self.depends_on

    @property
    def level(self) -> int:
        """Its priority, 0 where it says nothing: tasks of a higher one come first, and take places of lower ones."""
        return 0 if self.priority is msgspec.UNSET else self.priority

    def is_own(self, company: Company) -> bool:
        """Whether a rule is about the service's own tasks, by its name or as the services of its app call it."""
        return self.name in (company.service, f"{self.app}-{company.service}")

    def problems(self) -> Iterator[FieldError]:
        """What no single field shows."""
        if self.mode == "cron":
            yield FieldError("mode", "cron is not there yet; use replicated, global or job")
        if self.mode == "job" and self.restart.policy == "always":
            yield FieldError("restart", "a job ends, so it cannot restart always; use on-failure or never")
        seen: set[tuple[int, str]] = set()
        targets: set[str] = set()
        for n, port in enumerate(self.ports):
            if port.host and (port.host, port.protocol) in seen:
                yield FieldError(f"ports[{n}].host", f"host port {port.host}/{port.protocol} is given twice")
            seen.add((port.host, port.protocol))
        for n, volume in enumerate(self.volumes):
            target = volume.target.rstrip("/")
            if target in targets:
                yield FieldError(f"volumes[{n}].target", f"{volume.target} is given twice")
            targets.add(target)
        yield from self._mount_problems(targets)
        for place, sentence in contradictions(self.constraints):
            yield FieldError(f"constraints[{place}]", sentence)
        yield from company_problems(self.near, self.apart)
        yield from dependency_problems(self.name, self.dependencies, app=self.app)

    def _mount_problems(self, taken: set[str]) -> Iterator[FieldError]:
        """Secrets and configs that are in the way of each other, of a volume or of a variable; ``taken`` are paths."""
        if SECRETS_FOLDER in taken and self.mounts("secret"):
            yield FieldError("secrets", f"a volume takes {SECRETS_FOLDER}, where secrets are; put the volume elsewhere")
        variables, files = set(self.env), set[str]()
        for kind in KINDS:
            names: set[str] = set()
            for n, mount in enumerate(self.mounts(kind)):
                if mount.name in names:
                    yield FieldError(f"{kind}s[{n}].name", f"{mount.name} is given twice")
                names.add(mount.name)
                if mount.env is not None and mount.env in variables:
                    yield FieldError(f"{kind}s[{n}].env", f"the variable {mount.env} is given twice")
                variables |= {mount.env} if mount.env is not None else set()
                path = path_of(kind, mount)
                if not mount.is_file:
                    continue
                if path in taken:
                    yield FieldError(f"{kind}s[{n}].target", f"{path} is given twice")
                elif any(PurePosixPath(other) in PurePosixPath(path).parents for other in files):
                    yield FieldError(f"{kind}s[{n}].target", f"{path} is below a path that is a file")
                taken.add(path)
                files.add(path)


_LATER = ("secrets", "configs", "prefer", "affinity", "anti_affinity", "depends_on")
"""Lists that came later: an empty one is left out, so that who does not use them needs nobody to know of them."""
READ_ONLY = frozenset(
    {"kind", "id", "running", "version", "revision", "created_by", "created_at", "updated_at", "stopped", "message"}
)
"""What an answer has beside the spec: passed over when an answer is sent back, so that what GET gives, PUT takes."""


def decode_spec(data: object, *, what: str = "service") -> ServiceSpec:
    """A service from plain data (a file's document or a request's body).

    Raises:
        InvalidInput: with every error at its field path.
    """
    if isinstance(data, dict):
        data = _without_defaults_of_mode(data)
        name = data.get("name")
        what = f"service {name}" if isinstance(name, str) and is_dns_label(name) and what == "service" else what
    return decode(ServiceSpec, data, what=what, ignore=READ_ONLY)


def _without_defaults_of_mode(data: dict[str, Any]) -> dict[str, Any]:
    """The same data with what its mode implies: a job restarts on failure unless it says otherwise."""
    made = dict(data)
    update = made.get("update")
    if isinstance(update, dict) and "order" not in update and "state" in update:
        del made["update"]  # the progress of an answer, not a policy
    elif isinstance(update, dict):
        made["update"] = {k: v for k, v in update.items() if k not in ("state", "done", "total", "failed")}
    for key in _LATER:
        if made.get(key) in ([], ()):
            del made[key]
    if made.get("mode") == "job" and "restart" not in made:
        made["restart"] = {"policy": "on-failure"}
    return made
