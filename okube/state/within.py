"""The bound of a command whose caller has some apps alone: checked as it is applied, so that nothing comes between."""

from okube.model.errors import Forbidden
from okube.model.spec import ServiceSpec
from okube.state.tables import Tables

__all__ = ["check_spec_within", "check_within"]


def check_within(apps: tuple[str, ...], app: str | None, what: str) -> None:
    """Refuse what is of another app.

    Args:
        apps: those that the caller has; empty: all.
        app: that of what is changed.
        what: what that is, for the sentence.

    Raises:
        Forbidden: it is of none of them.
    """
    if apps and app not in apps:
        of = "of no app" if app is None else f"of app {app}"
        raise Forbidden(f"{what} is {of}, and you have {', '.join(apps)} alone")


def check_spec_within(tables: Tables, apps: tuple[str, ...], spec: ServiceSpec, old: ServiceSpec | None) -> None:
    """Refuse what would bring a service of these apps to what is of others, or to the nodes themselves.

    What the service has already stays: somebody who might gave it.

    Args:
        tables: who else uses a volume, and whose a secret is.
        apps: those that the caller has; empty: all.
        spec: as the service is wanted.
        old: as it is, if it is there.

    Raises:
        Forbidden: with what, and who may.
    """
    if not apps:
        return
    if spec.level > max(0, 0 if old is None else old.level):
        raise Forbidden(f"{spec.name}: a priority above 0 takes places of others, and you have {', '.join(apps)} alone")
    had = {volume.source for volume in old.volumes} if old is not None else set()
    for volume in spec.volumes:
        if volume.source not in had:
            _check_volume(tables, apps, spec.name, volume.source)
    given = {(kind, mount.name) for kind, mount in old.all_mounts} if old is not None else set()
    for kind, mount in spec.all_mounts:
        if (kind, mount.name) in given:
            continue
        row = tables.secrets.get((kind, mount.name))
        if row is None or row.app not in apps:
            raise Forbidden(
                f"{spec.name}: there is no {kind} {mount.name} of {', '.join(apps)}, and you have no other apps; "
                f"an operator of the whole cluster makes one with --app {spec.app}, or gives it to {spec.name}"
            )


def _check_volume(tables: Tables, apps: tuple[str, ...], name: str, source: str) -> None:
    if "/" in source:
        raise Forbidden(f"{name}: {source} is a path of the nodes, and you have {', '.join(apps)} alone")
    for service in tables.services.values():
        if service.spec.app not in apps and any(volume.source == source for volume in service.spec.volumes):
            raise Forbidden(f"{name}: the volume {source} is that of another app: take another name")
