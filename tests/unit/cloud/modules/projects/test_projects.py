from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from euryale.cloud.modules.projects import (
    PROJECTS,
    EnvironmentKind,
    EnvironmentState,
    NewProject,
    Project,
    ProjectExistsError,
    Projects,
    ProjectState,
    ProjectStateError,
    Scope,
    UnknownEnvironmentError,
    UnknownProjectError,
    UnknownVariableError,
    Variable,
)
from euryale.framework.testing import temporary_database
from euryale.kit.secret import Secret


@pytest.fixture
async def projects(tmp_path: Path) -> AsyncIterator[Projects]:
    async with temporary_database(tmp_path, PROJECTS) as database:
        yield Projects(database)


async def ready(projects: Projects, name: str = "shop") -> Project:
    project = await projects.create(NewProject(name, f"euryale:{name}"), branch="main", execution="e1")
    assert await projects.settle(project.id, ProjectState.READY, execution="e1")
    return await projects.get(name)


async def test_creating_again_returns_what_the_same_execution_made(projects: Projects) -> None:
    new = NewProject("shop", "euryale:shop", variables=(Variable("A", Secret("1"), Scope.BUILD),))
    first = await projects.create(new, branch="main", execution="e1")
    assert await projects.create(new, branch="main", execution="e1") == first
    assert await projects.variables(first.id) == new.variables
    with pytest.raises(ProjectExistsError):
        await projects.create(new, branch="main", execution="e2")


async def test_a_failed_project_gives_way(projects: Projects) -> None:
    failed = await projects.create(NewProject("shop", "euryale:shop"), branch="main", execution="e1")
    await projects.open_environment(failed.id, "main", host_suffix="localhost", execution="e1")
    await projects.settle(failed.id, ProjectState.FAILED, execution="e1", reason="It did not build.")
    assert (await projects.get("shop")).reason == "It did not build."
    await projects.check_free("shop")
    again = await projects.create(NewProject("shop", "euryale:shop"), branch="main", execution="e2")
    assert again.id != failed.id
    assert await projects.environments(again.id) == ()


async def test_only_the_execution_that_works_on_it_says_how_it_ended(projects: Projects) -> None:
    project = await projects.create(NewProject("shop", "euryale:shop"), branch="main", execution="e1")
    await projects.claim_for_deletion(project.id, "e2")
    assert not await projects.settle(project.id, ProjectState.READY, execution="e1")
    assert (await projects.get("shop")).state is ProjectState.DELETING
    await projects.delete(project.id)
    assert not await projects.settle(project.id, ProjectState.READY, execution="e2")
    assert await projects.find("shop") is None
    with pytest.raises(UnknownProjectError):
        await projects.by_id(project.id)


async def test_environments_of_branches(projects: Projects) -> None:
    project = await ready(projects)
    preview = await projects.open_environment(
        project.id, "feature/x", host_suffix="localhost", execution="e1", base="production"
    )
    production = await projects.open_environment(project.id, "main", host_suffix="localhost", execution="e1")
    assert await projects.environments(project.id) == (production, preview)
    assert (production.kind, preview.kind) == (EnvironmentKind.PRODUCTION, EnvironmentKind.PREVIEW)
    again = await projects.open_environment(project.id, "feature/x", host_suffix="localhost", execution="e2")
    assert (again.id, again.execution, again.base) == (preview.id, "e2", "production")
    await projects.set_environment_state(preview.id, EnvironmentState.LIVE)
    await projects.delete_environment(preview.id)
    await projects.set_environment_state(preview.id, EnvironmentState.LIVE)
    assert await projects.find_environment(project.id, preview.name) is None
    with pytest.raises(UnknownEnvironmentError):
        await projects.environment(project.id, preview.name)


async def test_an_environment_is_opened_only_in_a_project_that_may_have_it(projects: Projects) -> None:
    project = await projects.create(NewProject("shop", "euryale:shop"), branch="main", execution="e1")
    with pytest.raises(ProjectStateError):
        await projects.open_environment(project.id, "feature", host_suffix="localhost", execution="e1")
    await projects.open_environment(project.id, "main", host_suffix="localhost", execution="e1")
    await projects.claim_for_deletion(project.id, "e2")
    with pytest.raises(ProjectStateError, match="is deleting"):
        await projects.open_environment(project.id, "main", host_suffix="localhost", execution="e1")


async def test_what_a_person_dismissed_is_remembered_until_it_is_opened_again(projects: Projects) -> None:
    project = await ready(projects)
    preview = await projects.open_environment(project.id, "feature", host_suffix="localhost", execution="e1")
    await projects.delete_environment(preview.id, dismissed="c1")
    assert await projects.is_dismissed(project.id, "feature", "c1")
    assert not await projects.is_dismissed(project.id, "feature", "c2")
    await projects.open_environment(project.id, "feature", host_suffix="localhost", execution="e1")
    assert not await projects.is_dismissed(project.id, "feature", "c1")


async def test_secrets_are_generated_once(projects: Projects) -> None:
    project = await ready(projects)
    environment = await projects.open_environment(project.id, "main", host_suffix="localhost", execution="e1")
    first = await projects.generate_secrets(environment.id, {"COOKIE", "JWT"})
    again = await projects.generate_secrets(environment.id, {"JWT", "MORE"})
    assert {each.name: each.value for each in first}.items() <= {each.name: each.value for each in again}.items()
    assert len({each.value.reveal() for each in again}) == 3
    assert min(len(each.value.reveal()) for each in again) > 40


async def test_variables_are_changed_by_name(projects: Projects) -> None:
    project = await ready(projects)
    await projects.set_variables(project.id, [Variable("A", Secret("1")), Variable("B", Secret("2"))])
    await projects.set_variables(project.id, [Variable("A", Secret("3"), Scope.BUILD)])
    expected = (Variable("A", Secret("3"), Scope.BUILD), Variable("B", Secret("2")))
    assert await projects.variables(project.id) == expected
    with pytest.raises(UnknownVariableError, match=r"called C\. It has: A, B\."):
        await projects.unset_variables(project.id, ["A", "C"])
    assert await projects.variables(project.id) == expected
    await projects.unset_variables(project.id, ["A", "A"])
    assert await projects.variables(project.id) == expected[1:]


async def test_lists_by_pages_and_whole(projects: Projects) -> None:
    for number in range(5):
        await projects.create(NewProject(f"shop-{number}", "euryale:shop"), branch="main", execution=f"e{number}")
    page = await projects.list(limit=2)
    assert [each.name for each in page] == ["shop-0", "shop-1"]
    assert [each.name for each in await projects.list(limit=2, after="shop-1")] == ["shop-2", "shop-3"]
    assert len(await projects.all()) == 5
    assert len(await projects.by_repository("euryale:shop")) == 5
