"""A service as the cluster holds it: the spec with its versions and who made it."""

import msgspec

from okube.model.spec import ServiceSpec

__all__ = ["KEPT_VERSIONS", "Service", "SpecVersion"]

KEPT_VERSIONS = 5


class SpecVersion(msgspec.Struct, frozen=True, array_like=True):
    """One version of a spec, kept for rollback and for the tasks that still run it."""

    version: int
    spec: ServiceSpec


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the services table. ``version`` counts what makes tasks differ; the replica count does not."""

    id: str
    spec: ServiceSpec
    version: int = 1
    stopped: bool = False  # kept at 0 by `okube stop`; `start` brings spec.replicas back
    versions: tuple[SpecVersion, ...] = ()  # the versions before, newest last
    created_by: str = ""
    created_ms: int = 0
    updated_ms: int = 0
    revision: int = 0

    @property
    def name(self) -> str:
        """Its name, unique in the cluster."""
        return self.spec.name

    @property
    def wanted(self) -> int:
        """How many slots it should fill now (global services fill one a node and do not look at this)."""
        return 0 if self.stopped else self.spec.replicas
