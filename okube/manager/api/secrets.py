"""Routes about secrets and configs. Values come in, and are sealed before anything else happens to them.

No route gives back the value of a secret; that of a config may be read by whoever may read services.
"""

from aiohttp import web

from okube.manager.api.bodies import answer, json_object, query_number
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import apps_of, check_app
from okube.manager.api.writing import if_match, submit
from okube.model.commands import Applied, DeleteSecret, PutSecret
from okube.model.decode import decode
from okube.model.errors import NotFound
from okube.model.secret import Secret, SecretKind, sealed_as
from okube.model.secret_views import NewSecret, NewValue, SecretView, secret_view
from okube.state import Tables
from okube.state.mounts import users_of, users_of_all

__all__ = ["routes"]

routes = web.RouteTableDef()
_MAX_VERSION = 10**9


def _serve(kind: SecretKind) -> None:
    """The routes that secrets and configs have in common."""
    path = f"/v1/{kind}s"

    @routes.get(path)
    async def list_all(request: web.Request) -> web.StreamResponse:
        tables = await tables_to_read(request)
        labels = [text.partition("=")[::2] for text in request.query.getall("label", [])]
        app = request.query.get("app")

        def wanted(secret: Secret) -> bool:
            fits = all(secret.labels.get(key) == value for key, value in labels)
            return fits and (app is None or secret.app == app)

        after = page_start(request)
        names = sorted(name for of, name in tables.secrets if of == kind and name > after)
        found = ((name, tables.secrets[kind, name]) for name in names if (kind, name) in tables.secrets)
        users = users_of_all(tables)

        def view(secret: Secret) -> SecretView:
            return secret_view(secret, users.get((secret.kind, secret.name), ()))

        return await answer_list(request, found, wanted, view)

    @routes.get(path + "/{name}")
    async def get(request: web.Request) -> web.Response:
        tables = await tables_to_read(request)
        secret = _found(request, tables, kind)
        users = tuple(service.name for service in users_of(tables, kind, secret.name))
        return answer(request, secret_view(secret, users))

    @routes.post(path)
    @leader_only
    async def create(request: web.Request) -> web.Response:
        new = decode(NewSecret, await json_object(request), what=kind)
        command = _sealed(request, kind, new.name, new.value, how="create", app=new.app, labels=new.labels)
        applied = await _submit(request, command)
        return answer(request, applied.body, status=201, revision=applied.revision)

    @routes.post(path + "/{name}/rotate")
    @leader_only
    async def rotate(request: web.Request) -> web.Response:
        value = decode(NewValue, await json_object(request), what=kind).value
        command = _sealed(request, kind, request.match_info["name"], value, how="rotate", if_match=if_match(request))
        applied = await _submit(request, command)
        return answer(request, applied.body, revision=applied.revision)

    @routes.delete(path + "/{name}")
    @leader_only
    async def delete(request: web.Request) -> web.Response:
        name, by = request.match_info["name"], request[CALLER].name
        command = DeleteSecret(kind, name, if_match(request), by, apps_of(request))
        applied = await submit(request, command)
        return answer(request, applied.body, revision=applied.revision)


_serve("secret")
_serve("config")


@routes.get("/v1/configs/{name}/value")
async def value_of_config(request: web.Request) -> web.Response:
    """What a config holds: as it was given, byte for byte."""
    tables = await tables_to_read(request)
    config = _found(request, tables, "config")
    version = query_number(request, "version", default=config.newest.version, low=1, high=_MAX_VERSION)
    kept = config.at(version)
    if kept is None:
        raise NotFound(f"version {version} of config {config.name} is not kept; {_kept(config)}")
    value = request.app[CONTEXT].core.vault.open(kept.sealed, sealed_as("config", config.name, kept.id))
    headers = {"Okube-Revision": str(tables.revision)}
    return web.Response(body=value, headers=headers, content_type="application/octet-stream")


def _sealed(
    request: web.Request,
    kind: SecretKind,
    name: str,
    value: bytes,
    *,
    how: str,
    app: str = "",
    labels: dict[str, str] | None = None,
    if_match: int | None = None,
) -> PutSecret:
    core = request.app[CONTEXT].core
    value_id = core.new_id()
    return PutSecret(
        secret_kind=kind,
        name=name,
        value_id=value_id,
        sealed=core.vault.seal(value, sealed_as(kind, name, value_id)),
        size=len(value),
        how=how,
        app=app,
        labels=labels or {},
        if_match=if_match,
        by=request[CALLER].name,
        within=apps_of(request),
    )


async def _submit(request: web.Request, command: PutSecret) -> Applied:
    """A plain hash of the body would let the value be guessed by whoever has the log: it is hashed with a key."""
    return await submit(request, command, mark=request.app[CONTEXT].core.vault.mark)


def _found(request: web.Request, tables: Tables, kind: SecretKind) -> Secret:
    name = request.match_info["name"]
    found = tables.secrets.get((kind, name))
    if found is None:
        raise NotFound(f"there is no {kind} {name}")
    check_app(request, found.app or None, f"{kind} {name}")
    return found


def _kept(secret: Secret) -> str:
    return f"versions {secret.versions[0].version} to {secret.newest.version} are"
