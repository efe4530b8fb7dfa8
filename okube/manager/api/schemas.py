"""JSON Schema of what the API takes and answers, from the structs that it is made of.

What it takes may be written shorter than the structs have it (``8080:80``, ``512M``), and what GET gives is taken back:
so a struct that goes both ways has two schemas, the wide one with ``Input`` at the end of its name.
"""

import inspect
from typing import Any

import msgspec

from okube.model.names import NAME_PATTERN
from okube.model.resources import MAX_COUNT
from okube.model.spec import READ_ONLY

__all__ = ["Schema", "Schemas"]

Schema = dict[str, Any]
_REF = "#/components/schemas/"
_BYTES: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 1 << 53},
        {"type": "string", "pattern": r"^[0-9]{1,6}([KMGTkmgt]i?[Bb]?|[Bb])?$"},
    ],
    "description": "Bytes, or an amount such as `512M` (powers of 1024).",
    "default": 0,
}
_SECONDS: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 86400 * 366},
        {"type": "string", "pattern": "^[0-9]{1,6}(ms|s|m)$"},
    ],
    "description": "Seconds, or a time such as `500ms`, `10s` or `2m`.",
    "default": 10.0,
}
_TEXT: Schema = {"type": "string", "pattern": "^[^\\u0000]*$"}
_WORDS: Schema = {"type": "array", "items": _TEXT, "default": []}
_SIMPLE: list[Schema] = [_TEXT, {"type": "number"}]
_PAIR: Schema = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*(=[^\\u0000]*)?$"}
_ENV: Schema = {
    "anyOf": [
        {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$"},
            "additionalProperties": {"anyOf": [*_SIMPLE, {"type": "null"}]},
        },
        {"type": "array", "items": _PAIR},
    ],
    "description": "`NAME: value`, or a list of `NAME=value`.",
    "default": {},
}
_LABELS: Schema = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Za-z0-9]([A-Za-z0-9_./-]{0,126}[A-Za-z0-9])?$"},
    "additionalProperties": {"anyOf": _SIMPLE},
    "default": {},
}
_CONSTRAINTS: Schema = {
    "type": "array",
    "items": {
        "type": "string",
        "pattern": r"^node\.(name|region|zone|rack|role|runtime|platform|labels\.[A-Za-z0-9._/-]+) "
        r"(==|!=) [A-Za-z0-9._/-]+$",
        "examples": ["node.labels.disk == ssd"],
    },
    "default": [],
}

_FIELDS: dict[tuple[str, str], Schema] = {
    ("ResourcesInput", "memory"): _BYTES,
    ("ResourcesInput", "disk"): _BYTES,
    ("QuotaLimits", "memory"): {"anyOf": [_BYTES, {"type": "null"}], "default": None},
    ("QuotaLimits", "disk"): {"anyOf": [_BYTES, {"type": "null"}], "default": None},
    ("LimitsInput", "memory"): {"anyOf": [_BYTES, {"type": "null"}], "default": None},
    ("StopInput", "grace"): _SECONDS,
    ("ServiceSpec", "command"): _WORDS,
    ("ServiceSpec", "env"): _ENV,
    ("ServiceSpec", "labels"): _LABELS,
    ("ServiceSpec", "constraints"): _CONSTRAINTS,
    ("NewSecret", "labels"): _LABELS,
    ("NodeChange", "labels"): {"anyOf": [_LABELS, {"type": "null"}], "default": None},
}
"""What a field takes beside its own type."""

_REST: dict[str, Schema] = {
    "ResourcesInput": {"type": "integer", "minimum": 1, "maximum": MAX_COUNT},
    "QuotaLimits": {"type": "integer", "minimum": 0, "maximum": 1_000_000_000},
}
"""What a struct takes under keys of a user's own: named resources."""

_SHORT: dict[str, list[Schema]] = {
    "PortInput": [
        {"type": "string", "pattern": "^([0-9]{1,5}:)?[0-9]{1,5}(/(tcp|udp))?$", "examples": ["8080:80"]},
        {"type": "integer", "minimum": 1, "maximum": 65535},
    ],
    "VolumeInput": [
        {"type": "string", "pattern": "^[a-z0-9/][^:]*:/[^:]+(:(ro|rw))?$", "examples": ["data:/var/lib/data"]}
    ],
    "MountInput": [
        {"type": "string", "pattern": f"{NAME_PATTERN[:-1]}(:[^:]+)?$", "examples": ["db-password", "key:/etc/tls.key"]}
    ],
    "RestartInput": [{"type": "string", "pattern": "^(always|never|on-failure(:[0-9]{1,6})?)$"}],
}
"""The short forms of structs."""


class Schemas:
    """The components of a document; ``answer`` and ``body`` are references into them.

    Raises ``ValueError`` where the view of something and the body for it would get one name and are not one.
    """

    def __init__(self, answers: list[Any], bodies: list[Any]) -> None:
        names = {type_.__name__ for type_ in bodies}
        views = {str(getattr(type_, "__name__", "")) for type_ in answers}
        if clash := sorted(name for name in views if name.endswith("View") and _name_of_answer(name) in names):
            raise ValueError(f"{', '.join(clash)} would be called like a body of other shape: rename one of them")
        self._answers = _components(answers, _name_of_answer)
        self._bodies = _components(bodies, _name_of_body(names))
        for name, schema in self._bodies[1].items():
            _widen(name, schema)
        self._of_answer = dict(zip(map(str, answers), self._answers[0], strict=True))
        self._of_body = dict(zip(map(str, bodies), self._bodies[0], strict=True))

    @property
    def components(self) -> dict[str, Schema]:
        """All of them by name."""
        return dict(sorted((self._answers[1] | self._bodies[1]).items()))

    def answer(self, type_: Any) -> Schema:
        """The schema of an answer's type."""
        return self._of_answer[str(type_)]

    def body(self, type_: Any) -> Schema:
        """The schema of a body's type."""
        return self._of_body[str(type_)]

    def body_without(self, type_: Any, known: frozenset[str]) -> Schema:
        """The same where the path says some of it already, which the body may leave out."""
        reference = self.body(type_)
        name = str(reference.get("$ref", "")).removeprefix(_REF)
        schema = self._bodies[1].get(name, {})
        required = [field for field in schema.get("required", ()) if field not in known]
        if required == schema.get("required", []):
            return reference
        title = f"{name}OfPath"
        self._bodies[1][title] = schema | {"title": title, "required": required}
        return {"$ref": _REF + title}


def _name_of_answer(name: str) -> str:
    return name.removesuffix("View")


def _name_of_body(bodies: set[str]) -> Any:
    return lambda name: name if name in bodies else f"{name}Input"


def _components(types: list[Any], rename: Any) -> tuple[tuple[Schema, ...], dict[str, Schema]]:
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF + "{name}")
    names = {name: rename(name) for name in components}
    made = {names[name]: _renamed(schema, names) for name, schema in components.items()}
    for name, schema in made.items():
        schema["title"] = name
    return tuple(_renamed(schema, names) for schema in schemas), made


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """The schema with its references to components under their new names, and enums in a type of their own."""
    if isinstance(schema, list):
        return [_renamed(item, names) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _renamed(value, names) for key, value in schema.items()}
    ref = made.get("$ref")
    if isinstance(ref, str):
        made["$ref"] = _REF + names[ref.removeprefix(_REF)]
    if isinstance(made.get("description"), str):
        made["description"] = inspect.cleandoc(made["description"]).replace("``", "`")
    return made


def _widen(name: str, schema: Schema) -> None:
    """What is taken beside the struct's own form; anything else is refused."""
    properties = schema["properties"]
    for (owner, field), wider in _FIELDS.items():
        if owner == name and field in properties:
            properties[field] = wider
    if name == "ServiceSpec":
        properties |= {field: {"readOnly": True} for field in sorted(READ_ONLY)}
    if name == "UpdateInput":
        properties |= {field: {"readOnly": True} for field in ("state", "done", "total", "failed")}
    if "type" in schema:
        schema["additionalProperties"] = _REST.get(name, False)
    short = _SHORT.get(name)
    if short is not None:
        whole = {key: schema.pop(key) for key in ("type", "properties", "required", "additionalProperties")}
        schema["anyOf"] = [whole, *short]
