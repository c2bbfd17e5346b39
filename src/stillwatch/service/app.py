"""The whole service: decisions by the fast path, everything else by FastAPI. Each route names who may enter."""

import asyncio
import gc
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from stillwatch import __version__
from stillwatch.errors import first_of
from stillwatch.records import CHALLENGES, MODES, OBLIGATIONS, REASON_CODES, Rung
from stillwatch.respond.decide import begins
from stillwatch.service.auth import OPEN, ROUTES
from stillwatch.service.beside import Beside
from stillwatch.service.casework import add_routes
from stillwatch.service.challenges import add_challenges
from stillwatch.service.decisions import MOST_BODY, App, Decisions, Scope, Send, admit, log, refuse
from stillwatch.service.reading import AtOnce, Awaited, Receive, replayed
from stillwatch.service.routes import Once
from stillwatch.service.state import Config, Keeper, State
from stillwatch.service.wire import End, Question, Refused

MOST_PLACES = 8
"""Places of a request that one answer names as wrong."""

CONFIG = "STILLWATCH_SERVICE"
"""The environment variable by which `stillwatch serve` sets its workers, as JSON."""


def application() -> App:
    """The application of a worker, set by the environment (granian calls this)."""
    state = State.of(json.loads(os.environ[CONFIG]))
    state.load()
    held = build(state, Beside())
    gc.collect()
    gc.freeze()  # what stays is set apart: else each full collection walks over it while requests wait
    return held


def build(state: State, beside: Beside | None = None) -> Decisions:
    """The application around a state. Casework is done `beside` it; without that, by itself."""
    decisions = Decisions(state, _refuse_all)
    pages = _pages(_life(state, decisions, beside))
    _routes(pages, state, decisions)
    own = len(pages.routes)
    _add_casework(pages, state.config)
    pages.openapi = lambda: _openapi(pages)  # type: ignore[method-assign]
    paths = {route.path for route in pages.routes[own:] if isinstance(route, APIRoute)} if beside else set()
    decisions.rest = _guarded(state, decisions.others, lambda path: beside if beside and path in paths else pages)
    return decisions


def casework() -> App:
    """Casework alone, set by the environment, for whoever is admitted already (service.beside calls this)."""
    pages = _pages(None)
    _add_casework(pages, Config.of(json.loads(os.environ[CONFIG])))
    return pages


def _pages(lifespan: Any) -> FastAPI:
    pages = FastAPI(
        title="Stillwatch", version=__version__, docs_url=None, redoc_url=None, openapi_url=None,
        redirect_slashes=False, lifespan=lifespan,
    )  # fmt: skip
    pages.router.route_class = Once
    return pages


def _add_casework(pages: FastAPI, config: Config) -> None:
    add_routes(pages, config)
    add_challenges(pages, config)
    _faults(pages)


async def _refuse_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Before the application is whole nothing but decisions is answered."""
    if scope["type"] == "http":
        await refuse(send, Refused(503, "starting", "the service is starting"))


def _life(state: State, decisions: Decisions, beside: Beside | None) -> Any:
    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        keeper = Keeper(state)
        keeper.start()
        watch = asyncio.get_running_loop().create_task(decisions.watch())
        yield
        keeper.stop()
        watch.cancel()
        if beside is not None:
            beside.stop()

    return life


def _guarded(state: State, awaited: Awaited, app_of: Callable[[str], App]) -> App:
    """The pages behind the list of routes: what does not stand in it is not there, whoever asks. `app_of` says who
    answers a path. Bodies are read here, whole, before anybody is asked."""
    at_once = AtOnce()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app_of("")(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        route = (scope["method"], scope["path"])
        try:
            if route in OPEN:
                await _answered(app_of(scope["path"]), scope, receive, send)
                return
            authorization = [value for name, value in scope["headers"] if name == b"authorization"]
            one = authorization[0] if len(authorization) == 1 else None
            token = scope["stillwatch.token"] = admit(state, one, _roles(route), scope["query_string"])
            _known(route)
            _measured(scope)
            with at_once.place(token.id):
                body = await awaited.body(receive) if scope["method"] == "POST" else b""
                await _answered(app_of(scope["path"]), scope, replayed(body, receive), send)
        except Refused as error:
            await refuse(send, error)

    return guarded


async def _answered(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an application answer. Raises Refused."""
    try:
        await app(scope, receive, send)
    except Refused:
        raise
    except Exception as error:  # answered with 500 already; its words may quote
        log.error("internal fault: %s", type(error).__name__)


def _known(route: tuple[str, str]) -> None:
    """Raise Refused for a route that is not in the list, whoever asks: one without roles lets nobody in."""
    if route in ROUTES:
        return
    if route[1] in {path for _, path in ROUTES}:
        raise Refused(405, "not_allowed", "no such method here")
    raise Refused(404, "not_found", "no such route")


def _measured(scope: Scope) -> None:
    """Raise Refused for a body of unknown or too great a length."""
    if scope["method"] != "POST":
        return
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    known = len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) < 10
    if not known or int(lengths[0]) > MOST_BODY:
        raise Refused(413, "too_large", f"a body of more than {MOST_BODY} bytes, or of a length that is not said")


def _roles(route: tuple[str, str]) -> tuple[str, ...]:
    """Who may pass; on to a route that is not there, for a 404, whoever has any token."""
    if route in ROUTES:
        return ROUTES[route]
    return tuple(sorted({role for roles in ROUTES.values() for role in roles} | {"ingest"}))


def _routes(pages: FastAPI, state: State, decisions: Decisions) -> None:
    @pages.get("/health", summary="Whether the process lives. Open to everybody.")
    async def health() -> dict[str, bool]:
        return {"ok": True}

    @pages.get("/ready", summary="Whether it answers from a whole, newest snapshot. Open to everybody.")
    async def ready() -> JSONResponse:
        return JSONResponse({"ready": state.ready}, 200 if state.ready else 503)

    described: list[bytes] = []

    @pages.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        if not described:
            described.append(json.dumps(pages.openapi(), separators=(",", ":")).encode())
        return Response(described[0], media_type="application/json")

    @pages.get("/v1/state", summary="The snapshot, its age, what is wrong, and counts of decisions of this worker.")
    async def told() -> dict[str, Any]:
        return state.told() | {"shed": decisions.shed, "worker": os.getpid()}

    @pages.get(
        "/v1/actions", summary="What is in force about one account, with the time at which it begins to be felt."
    )
    async def actions(account_id: Annotated[str, Query(max_length=1024)]) -> JSONResponse:
        rows = state.rows(account_id, None)
        held = [asdict(one) | {"rung": one.rung.name.lower(), "felt_at": begins(one, state.timing)} for one in rows]
        return JSONResponse({"schema": "stillwatch/actions/v1", "account_id": account_id, "actions": held})

    @pages.get("/v1/decisions/log", summary="The newest decisions that an action spoke in, or would have (shadow).")
    async def logged(most: Annotated[int, Query(ge=1, le=10_000)] = 100) -> Response:
        held = b",".join(islice(reversed(state.log), most))  # JSON already: to read it would hold decisions up
        head = b'{"schema":"stillwatch/decision-log/v1","worker":%d,"decisions":[' % os.getpid()
        return Response(head + held + b"]}", media_type="application/json")


def _faults(pages: FastAPI) -> None:
    @pages.exception_handler(HTTPException)
    async def known(_: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "not_allowed"}.get(error.status_code, "refused")
        return JSONResponse({"error": {"code": code, "message": str(error.detail)}}, error.status_code)

    @pages.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        names = sorted({_place(one["loc"]) for one in error.errors()})
        message = f"wrong or missing: {first_of(names, MOST_PLACES)}"
        if names == ["body"]:
            message = _what_body(request)
        return JSONResponse({"error": {"code": "bad_request", "message": message}}, 400)


def _place(where: tuple[int | str, ...]) -> str:
    """Where in a request something is wrong, in words: a key, which entry of a list, counted from one, or the body."""
    if where[:1] == ("body",) and len(where) == 2 and isinstance(where[1], int):
        return "body"  # the letter at which it is no JSON
    if len(where) > 1 and isinstance(where[-1], int):
        return f"entry {where[-1] + 1} of {where[-2]}"
    return str(where[-1])


def _what_body(request: Request) -> str:
    """What is wrong with a body that was not read as an object at all: its header, or itself."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        return "the header Content-Type is missing or another: send Content-Type: application/json"
    return "the body is missing, or is no JSON object"


def _openapi(pages: FastAPI) -> dict[str, Any]:
    """The description of all routes. Decisions, which FastAPI does not see, are described from their types."""
    if pages.openapi_schema:
        return pages.openapi_schema
    held = get_openapi(title="Stillwatch", version=__version__, routes=pages.routes)
    schemas = held.setdefault("components", {}).setdefault("schemas", {})
    for model in (Question, End):
        said = msgspec.json.schema(model, ref_template="#/components/schemas/{name}")
        schemas.update(said["$defs"])
    schemas["Question"]["anyOf"] = [{"required": ["account_id"]}, {"required": ["api_key_id"]}]
    schemas |= {"Decision": _DECISION, "Error": _ERROR}
    held["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    held["security"] = [{"bearer": []}]
    ends = "A request has ended: what its group runs at once is one less."
    held["paths"]["/v1/decisions"] = _path("What to do with one request.", "Question", "Decision")
    held["paths"]["/v1/decisions/end"] = _path(ends, "End", None)
    pages.openapi_schema = held
    return held


def _path(summary: str, asked: str, answered: str | None) -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    good = content(answered) if answered else {"application/json": {"schema": {"type": "object"}}}
    errors = {
        status: {"description": words, "content": content("Error")}
        for status, words in {
            "400": "Not a question", "401": "No token of this service", "403": "Another role is needed",
            "408": "The body did not come in time", "413": "More than 16 KiB",
            "503": "More questions than can be answered in time; `retry-after` says when to ask again",
        }.items()
    }  # fmt: skip
    body = {"required": True, "content": content(asked)}
    return {
        "post": {
            "summary": summary,
            "requestBody": body,
            "responses": {"200": {"description": "", "content": good}} | errors,
        }
    }


_TEXT = {"type": "string"}
_SETTINGS = sorted({name for _, names in OBLIGATIONS.values() for name in names} - {"kind", "to"})
_DECISION: dict[str, Any] = {
    "type": "object",
    "required": [
        "decision_id", "verdict", "action", "obligations", "reason_codes", "policy", "mode", "ttl_s",
    ],
    "properties": {
        "decision_id": _TEXT,
        "verdict": {"enum": ["allow", "warn", "modify", "deny", "escalate"]},
        "action": {"enum": ["none", *(rung.name.lower() for rung in Rung if rung > Rung.OBSERVE)]},
        "obligations": {
            "type": "array",
            "items": {
                "type": "object", "required": ["type"],
                "properties": {
                    "type": {"enum": sorted(OBLIGATIONS)}, "kind": {"enum": list(CHALLENGES)}, "to": _TEXT,
                } | {name: {"type": "integer", "minimum": 1} for name in _SETTINGS},
            },
        },
        "reason_codes": {"type": "array", "items": {"enum": list(REASON_CODES)}},
        "policy": {
            "type": ["object", "null"], "properties": {"id": _TEXT, "version": _TEXT, "hash": _TEXT},
        },
        "mode": {"enum": list(MODES)},
        "ttl_s": {"type": "integer", "minimum": 0, "description": "Seconds to keep the answer; 0: ask each time."},
        "notice": {"type": "string", "description": "What the customer is told."},
        "appeal_url": _TEXT,
        "retry_after_s": {"type": "integer", "minimum": 1, "description": "A budget is used up until then."},
        "ends_s": {"type": "integer", "minimum": 0, "description": "Beyond it the answer holds no more."},
        "counted": {"const": True, "description": "The minutes of its limits are counted: not to be counted again."},
    },
}  # fmt: skip
_ERROR: dict[str, Any] = {
    "type": "object", "required": ["error"],
    "properties": {
        "error": {"type": "object", "required": ["code", "message"], "properties": {"code": _TEXT, "message": _TEXT}},
    },
}  # fmt: skip
