"""What a pod says of itself: which service of which app it is, and which services it calls."""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from okube.kube.protocol import Metadata
from okube.model.decode import decode
from okube.model.dependency import Dependency, dependency_problems
from okube.model.errors import FieldError, InvalidInput

__all__ = ["DEPENDS_ON", "Service", "dependencies_of", "service_of"]

DEPENDS_ON = "okube.depends-on"
"""The annotation with a pod's dependencies: ``[{"service": "db", "max_latency": "2ms"}]``, or names: ``db, cache``."""

_APP = ("okube.app", "app.kubernetes.io/part-of")
_SERVICE = ("okube.service", "app.kubernetes.io/name", "app")


class Service(NamedTuple):
    """A service by its name, which is its own within its app and namespace."""

    namespace: str
    app: str
    name: str

    def sibling(self, name: str) -> "Service":
        """The service of another name in the same app."""
        return Service(self.namespace, self.app, name)


class _Dependencies(msgspec.Struct, frozen=True):
    depends_on: tuple[Dependency, ...]


def service_of(metadata: Metadata) -> Service:
    """The service that a pod belongs to; the first label counts that says so. One without a name has an empty one."""
    labels = metadata.labels or {}
    return Service(metadata.namespace, _first(labels, _APP), _first(labels, _SERVICE))


def dependencies_of(metadata: Metadata) -> tuple[Dependency, ...]:
    """What a pod depends on, none where it does not say.

    Raises:
        InvalidInput: the annotation cannot be read; with a sentence for each thing that is wrong.
    """
    text = (metadata.annotations or {}).get(DEPENDS_ON, "")
    return _read(text, service_of(metadata).name) if text.strip() else ()


@functools.lru_cache(maxsize=1024)
def _read(text: str, own: str) -> tuple[Dependency, ...]:
    what = f"annotation {DEPENDS_ON}"
    if text.lstrip().startswith(("[", "{", '"')):
        try:
            data = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            problem = FieldError("", f'is no JSON ({error}): write [{{"service": "db", "max_latency": "2ms"}}]')
            raise InvalidInput.of([problem], what=what) from error
    else:
        data = [name.strip() for name in text.split(",") if name.strip()]
    dependencies = decode(_Dependencies, {"depends_on": data}, what=what).depends_on
    problems = [*dependency_problems(own, dependencies), *_conditions(dependencies)]
    if problems:
        raise InvalidInput.of(problems, what=what)
    return dependencies


def _conditions(dependencies: tuple[Dependency, ...]) -> Iterator[FieldError]:
    for number, each in enumerate(dependencies):
        if each.condition != "placed":
            message = "an extender of kube-scheduler starts nothing: have an init container wait, and take this out"
            yield FieldError(f"depends_on[{number}].condition", message)


def _first(labels: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")
