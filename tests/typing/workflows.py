"""More of what must type-check, and what must not, for those who write workflows. Read by mypy, never run."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_type

from euryale.workflows import (
    LATER,
    Engine,
    ExecutionView,
    Handle,
    PermanentFailure,
    Retry,
    Schedule,
    ScheduleView,
    Status,
    StepResponse,
    Workflow,
    emit,
    parallelize,
    step,
    step_context,
    transform,
    when,
    workflow,
)
from euryale.workflows.stores.memory import MemoryStore
from euryale.workflows.stores.sqlite import SQLiteStore


@dataclass(frozen=True)
class Project:
    handle: str
    size: int


@dataclass(frozen=True)
class Database:
    id: str
    project: Project


@dataclass(frozen=True)
class Image:
    digest: str


@step(retry=Retry(max_attempts=4, initial=1, factor=2), timeout=60)
async def create_database(project: Project) -> StepResponse[Database, str]:
    if project.size > 9:
        raise PermanentFailure("too large", undo="half")
    return StepResponse(Database("d", project), undo="d")


@create_database.compensate(retry=Retry(max_attempts=9), timeout=5)
async def _drop_database(database_id: str | None, *, project: Project) -> None: ...


@create_database.compensate(timeout=5)  # type: ignore[arg-type]
async def _undo_is_not_the_output(database: Database | None) -> None: ...


@step(completes="externally", external_timeout=600)
async def build(project: Project) -> StepResponse[Image, str]:
    return StepResponse(LATER, undo=step_context().token)


@step(completes="sometimes")  # type: ignore[call-overload, untyped-decorator]
async def no_such_way(project: Project) -> None: ...


@step(completes="externally")
async def build_without_undo(project: Project) -> Image:
    image: Image = LATER
    return image


@step
def count(image: Image, database: Database) -> int:
    return len(image.digest) + len(database.id)


@step
async def wrong_response() -> StepResponse[str, int]:
    return StepResponse("x", undo="not a number")  # type: ignore[arg-type]


@workflow("child")
def child(project: Project) -> int:
    return project.size


@workflow("nothing")
def nothing() -> None:
    emit("nothing.happened")


@workflow(name="named")
def named(project: Project) -> int:
    return child(project)


assert_type(named, Workflow[Project, int])


@workflow  # type: ignore[call-overload]
def bare(project: Project) -> int:
    return child(project)


workflow(version=2)  # type: ignore[call-overload]


@workflow("create", version=2, timeout=timedelta(hours=1), retention=86_400)
def create(project: Project) -> int:
    database = create_database(project)
    assert_type(database, Database)
    assert_type(database.project.handle, str)
    assert_type(create_database.named("again", timeout=5)(project=project), Database)
    create_database(project.handle)  # type: ignore[arg-type]
    create_database(project, 3)  # type: ignore[call-arg]
    create_database(name=project)  # type: ignore[call-arg]
    image, other, number = parallelize(build(project), lambda: create_database(project), child(project))
    assert_type(image, Image)
    assert_type(other, Database)
    assert_type(number, int)
    left, (middle, right) = parallelize(child(project), lambda: parallelize(build(project), child(project)))
    assert_type((left, middle, right), tuple[int, Image, int])
    parallelize(build(project), child(project), on_failure="stop")  # type: ignore[call-overload]
    count(database, image)  # type: ignore[arg-type]
    return count(image, other)


@workflow("decide")
def decide(project: Project) -> str | None:
    size = child(project)
    maybe = when(size, lambda size: size > 3).then(lambda: build(project))
    assert_type(maybe.result, Image | None)
    assert_type(maybe.otherwise(lambda: build(project)), Image)
    both = when(size, bool).then(lambda: build(project)).otherwise(lambda: size)
    assert_type(both, Image | int)
    when(size, lambda size: size.nothing).then(lambda: None)  # type: ignore[attr-defined]
    assert_type(transform(lambda size: str(size), size), str)  # noqa: PLW0108 -- a lambda is what users write
    assert_type(transform(Image, size), Image)
    child("project")  # type: ignore[arg-type]
    nothing()
    nothing(size)  # type: ignore[call-overload]
    return transform(str, size)


assert_type(create, Workflow[Project, int])
assert_type(nothing, Workflow[None, None])


async def run(project: Project) -> None:
    async with Engine(SQLiteStore("e.db", durability="process"), workflows=[create, nothing]) as engine:
        assert_type(await engine.run(create, project, id="e"), int)
        assert_type(await engine.run(decide, project), str | None)
        assert_type(await engine.start(nothing), Handle[None])
        await engine.run(nothing)
        await engine.run(nothing, None)
        handle = await engine.start(create, project)
        assert_type(handle, Handle[int])
        assert_type(await handle.result(), int)
        assert_type(await handle.status(), Status)
        assert_type(await handle.view(), ExecutionView)
        assert_type(engine.handle("e"), Handle[Any])
        assert_type([event.step async for event in handle.events()], list[str])
        await engine.run(create, project.handle)  # type: ignore[misc]
        await engine.run(create)  # type: ignore[arg-type]
        await engine.run(nothing, project)  # type: ignore[misc]
        await engine.run(create_database, project)  # type: ignore[call-overload]
    Engine(MemoryStore(), workflows=[create_database])  # type: ignore[list-item]
    SQLiteStore("e.db", durability="sometimes")  # type: ignore[arg-type]


async def by_the_clock(project: Project, session: object) -> None:
    fixed = Schedule("fixed", create, project, cron="0 3 * * *")
    assert_type(fixed, Schedule[Project])
    made = Schedule("made", create, lambda tick: Project(f"{tick:%A}", tick.day), every=60)
    assert_type(made, Schedule[Project])
    Schedule("none", nothing, every=timedelta(hours=1), overlap="forbid", catch_up="all")
    Schedule("wrong", create, project.handle, every=60)  # type: ignore[arg-type]
    Schedule("wrong", create, project, every=60, overlap="skip")  # type: ignore[arg-type]
    async with Engine(MemoryStore(), schedules=[fixed, made]) as engine:
        assert_type(await engine.schedules(), tuple[ScheduleView, ...])
        assert_type(await engine.start_in(session, create, project), Handle[int])
        assert_type(await engine.start_in(session, nothing), Handle[None])
        assert_type(await engine.drain(within=timedelta(seconds=5)), bool)
