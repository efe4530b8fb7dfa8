"""What the table of routes is made of: a route, its parameters, what it takes and what it answers."""

from typing import Any, Literal

import msgspec

__all__ = ["Answer", "Method", "Parameter", "Role", "Route", "Scope"]

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Role = Literal["anyone", "viewer", "operator", "admin", "worker", "manager"]
"""Who may call: anyone, without credentials; people of that role or a higher one, and managers; an agent, for itself;
managers alone."""
Scope = Literal["cluster", "app", "any"]
"""For a caller who has some apps alone: not at all; what is of these apps, as the handler sees to; like for anyone."""


class Parameter(msgspec.Struct, frozen=True):
    """A part of the path, a parameter of the query, or a header; ``schema`` is JSON Schema of one value."""

    name: str
    text: str
    schema: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "string"})
    where: Literal["query", "path", "header"] = "query"
    repeated: bool = False
    explained: bool = False  # its handler checks it, and says in better words what is wrong


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer: ``of`` is the type of its JSON, or of one line of it; None for what is no JSON.

    ``media`` is empty where there is no body.
    """

    status: int = 200
    text: str
    of: Any = None
    media: str = "application/json"
    headers: tuple[str, ...] = ("Okube-Revision",)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the API does.

    ``body`` is the type of what it takes (None: nothing), ``errors`` the statuses beside those that every route of its
    role may answer.
    """

    method: Method
    path: str
    name: str
    group: str
    text: str
    role: Role
    scope: Scope = "cluster"
    noted: bool = False  # in the audit log, although it is a read
    asks: bool = False  # it changes nothing, although it is no GET, because what it asks does not fit into a query
    parameters: tuple[Parameter, ...] = ()
    body: Any = None
    body_media: str = "application/json"
    answers: tuple[Answer, ...]
    errors: tuple[int, ...] = ()

    @property
    def query(self) -> dict[str, Parameter]:
        """The parameters of the query by name."""
        return {p.name: p for p in self.parameters if p.where == "query"}

    @property
    def is_noted(self) -> bool:
        """Whether it goes into the audit log when a person calls it."""
        return self.noted or self.is_write

    @property
    def is_write(self) -> bool:
        """Whether it is one of those that change the cluster."""
        return self.method != "GET" and not self.asks
