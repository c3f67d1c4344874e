"""The API's surface: one shape of errors, injection, ids, health."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import BaseModel

from euryale.framework.auth import Authenticator, CurrentPrincipal, Principal, require
from euryale.framework.config import SecretField
from euryale.framework.container import (
    Container,
    MissingProviderError,
    Provider,
    Scope,
    plan_container,
    provide,
    supplied,
)
from euryale.framework.http import ErrorStatuses, Inject, PagingQuery, Readiness, RouteError, check_routes, create_api
from euryale.kit.errors import ConflictError, EuryaleError, NotFoundError, UnauthorizedError, UnavailableError
from euryale.kit.secret import Secret
from euryale.kit.telemetry import Telemetry


class QuotaError(EuryaleError):
    """The quota is used up. Wait."""

    code = "test.quota"


class MissingNoteError(NotFoundError):
    """There is no such note. List them."""

    code = "test.missing_note"


class Clock(Protocol):
    def now(self) -> int: ...


class FixedClock:
    def now(self) -> int:
        return 7


class Unit:
    log: list[str]

    def __init__(self) -> None:
        self.log = []


LOG: list[str] = []


async def open_unit(request: Request) -> AsyncIterator[Unit]:
    LOG.append(f"open {request.url.path}")
    try:
        yield Unit()
    except LookupError:
        LOG.append("rolled back")
        raise
    LOG.append("committed")


class Tokens:
    async def authenticate(self, token: Secret) -> Principal:
        if token.reveal() == "ann":
            return Principal("u_1", "ann", frozenset({"admin"}))
        if token.reveal() == "bob":
            return Principal("u_2", "bob")
        raise UnauthorizedError


class NoteIn(BaseModel):
    text: str
    password: SecretField


router = APIRouter()


@router.get("/time")
async def time(clock: Inject[Clock]) -> int:
    return clock.now()


@router.get("/unit")
async def unit(first: Inject[Unit], second: Inject[Unit]) -> bool:
    LOG.append("endpoint")
    return first is second


@router.get("/unit/fails")
async def unit_fails(unit: Inject[Unit]) -> None:
    raise LookupError("hunter2")


@router.get("/raise/{kind}")
async def fail(kind: str) -> None:
    if kind == "down":
        raise UnavailableError from OSError("hunter3")
    raise {
        "missing": MissingNoteError("no note n_1"),
        "conflict": ConflictError(),
        "quota": QuotaError(),
        "ours": EuryaleError("hunter2"),
        "foreign": RuntimeError("hunter2"),
    }[kind]


@router.post("/notes")
async def add(note: NoteIn, paging: PagingQuery) -> str:
    return note.password.reveal()


@router.get("/notes")
async def notes() -> list[str]:
    return []


@router.get("/me")
async def me(principal: CurrentPrincipal) -> str:
    return principal.name


@router.get("/admin", dependencies=[require("admin")])
async def admin() -> str:
    return "in"


PROVIDERS: list[Provider] = [
    provide(FixedClock, as_=Clock),
    provide(open_unit, scope=Scope.CALL),
    provide(Tokens, as_=Authenticator),
    supplied(Request),
]


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@asynccontextmanager
async def opened(telemetry: Telemetry) -> AsyncIterator[httpx.AsyncClient]:
    statuses = ErrorStatuses({QuotaError: 429})
    api = create_api(title="t", version="1", routers=[router], telemetry=telemetry, statuses=statuses)
    graph = plan_container(PROVIDERS)
    check_routes(api, graph)
    transport = httpx.ASGITransport(app=api)
    async with (
        Container.open(graph) as api.state.container,
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@pytest.fixture
async def client(telemetry: Telemetry) -> AsyncIterator[httpx.AsyncClient]:
    LOG.clear()
    async with opened(telemetry) as client:
        yield client


async def test_a_route_gets_a_protocol_from_the_container(client: httpx.AsyncClient):
    assert (await client.get("/time")).json() == 7


async def test_a_call_is_one_scope_that_closes_before_the_answer(client: httpx.AsyncClient):
    assert (await client.get("/unit")).json() is True
    assert LOG == ["open /unit", "endpoint", "committed"]


async def test_a_failing_endpoint_rolls_its_scope_back(client: httpx.AsyncClient):
    answer = await client.get("/unit/fails")
    assert answer.status_code == 500
    assert LOG == ["open /unit/fails", "rolled back"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("missing", 404, "test.missing_note"),
        ("conflict", 409, "euryale.conflict"),
        ("quota", 429, "test.quota"),
        ("down", 503, "euryale.unavailable"),
    ],
)
async def test_our_errors_have_a_status_and_the_one_shape(client: httpx.AsyncClient, kind: str, status: int, code: str):
    answer = await client.get(f"/raise/{kind}", headers={"X-Request-ID": "r-1"})
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint", "details", "request_id"}
    assert (error["code"], error["request_id"]) == (code, "r-1")
    assert answer.headers["X-Request-ID"] == "r-1"


@pytest.mark.parametrize("kind", ["ours", "foreign"])
async def test_what_nobody_mapped_tells_nothing_and_is_logged(
    client: httpx.AsyncClient, kind: str, caplog: pytest.LogCaptureFixture
):
    answer = await client.get(f"/raise/{kind}", headers={"X-Request-ID": "r-2"})
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "http.internal"
    assert "hunter2" not in answer.text
    assert answer.headers["X-Request-ID"] == "r-2"
    assert "r-2" in caplog.text
    assert "hunter2" in caplog.text


async def test_what_is_unavailable_is_logged_with_its_cause(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
):
    await client.get("/raise/down", headers={"X-Request-ID": "r-3"})
    assert "r-3" in caplog.text
    assert "hunter3" in caplog.text
    caplog.clear()
    await client.get("/raise/missing")
    assert caplog.records == []


async def test_an_unknown_path_and_method_have_the_one_shape(client: httpx.AsyncClient):
    answer = await client.get("/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "http.not_found")
    answer = await client.delete("/time")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "http.method_not_allowed")
    assert answer.headers["Allow"] == "GET"


async def test_a_method_that_is_not_allowed_is_told_all_that_are(client: httpx.AsyncClient):
    answer = await client.put("/notes")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert (await client.put("/openapi.json")).headers["Allow"] == "GET, HEAD"


async def test_an_invalid_request_names_its_fields_and_quotes_nothing(client: httpx.AsyncClient):
    answer = await client.post("/notes?limit=0", json={"password": "hunter2"})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "http.invalid_request"
    assert {detail["field"] for detail in error["details"]} == {"query.limit", "body.text"}
    assert "hunter2" not in answer.text
    answer = await client.post("/notes?cursor=!", json={"text": "t", "password": "hunter2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "http.cursor")
    answer = await client.post("/notes", json={"text": "t", "password": "hunter2"})
    assert answer.json() == "hunter2"


async def test_a_request_id_of_the_caller_is_taken_only_if_it_is_plain(client: httpx.AsyncClient):
    answer = await client.get("/time", headers={"X-Request-ID": "a b\tc"})
    assert answer.headers["X-Request-ID"].startswith("req_")


async def test_bearer_tokens_name_the_caller(client: httpx.AsyncClient):
    assert (await client.get("/me", headers={"Authorization": "Bearer ann"})).json() == "ann"
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic ann"}):
        answer = await client.get("/me", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "euryale.unauthorized"


async def test_a_role_is_required(client: httpx.AsyncClient):
    assert (await client.get("/admin", headers={"Authorization": "Bearer ann"})).json() == "in"
    answer = await client.get("/admin", headers={"Authorization": "Bearer bob"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "euryale.forbidden")


async def test_each_request_is_reported(client: httpx.AsyncClient, telemetry: Telemetry):
    seen: list[dict[str, Any]] = []
    telemetry.attach(lambda name, payload: seen.append({"name": name, **payload}))
    await client.get("/raise/missing?token=hunter2")
    await client.get("/raise/foreign")
    assert [each["name"] for each in seen] == ["http.request.finished"] * 2
    assert [each["status"] for each in seen] == [404, 500]
    assert seen[0]["path"] == "/raise/missing"
    assert seen[0]["route"] == "/raise/{kind}"
    assert seen[0]["seconds"] >= 0


async def test_health_is_always_and_readiness_asks_the_checks(client: httpx.AsyncClient):
    assert (await client.get("/health")).json() == {"status": "ok"}
    answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")


async def test_readiness_tells_which_check_fails_but_not_why(caplog: pytest.LogCaptureFixture):
    async def fine() -> None: ...

    async def broken() -> None:
        raise OSError("hunter2")

    caplog.set_level(logging.WARNING)
    readiness = Readiness({"database": fine, "mail": broken})
    assert await readiness.ask() == (False, {"application": "not serving"})
    readiness.open()
    assert await readiness.ask() == (False, {"database": "ok", "mail": "failing"})
    assert "hunter2" in caplog.text
    readiness.close()
    assert (await readiness.ask())[0] is False


def test_the_description_documents_the_shape_of_errors():
    api = create_api(title="t", version="1", routers=[router], telemetry=Telemetry())
    description = api.openapi()
    assert "HTTPValidationError" not in description["components"]["schemas"]
    answers = description["paths"]["/notes"]["post"]["responses"]
    assert answers["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")
    assert answers["default"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")


def test_two_endpoints_of_one_path_are_refused():
    twice = APIRouter(prefix="/a")

    @twice.get("/{id}")
    async def first(id: str) -> None: ...  # noqa: A002 -- a name of the path

    other = APIRouter()

    @other.get("/a/{id}")
    async def second(id: str) -> None: ...  # noqa: A002 -- a name of the path

    api = create_api(title="t", version="1", routers=[twice, other], telemetry=Telemetry())
    with pytest.raises(RouteError, match=r"GET /a/\{id\} is answered by first and by second"):
        check_routes(api, plan_container([]))


def test_an_endpoint_that_injects_what_nobody_provides_is_refused():
    lonely = APIRouter()

    @lonely.get("/")
    async def show(clock: Inject[Clock]) -> None: ...

    api = create_api(title="t", version="1", routers=[lonely], telemetry=Telemetry())
    with pytest.raises(MissingProviderError, match="nothing provides Clock") as caught:
        check_routes(api, plan_container([]))
    assert "show" in str(caught.value)
