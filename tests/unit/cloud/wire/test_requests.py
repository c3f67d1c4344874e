"""What a request may hold, and that what is told names every state there is."""

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from euryale.cloud.modules.deployments import records as deployment_records
from euryale.cloud.modules.projects import records as project_records
from euryale.cloud.wire import deployments, executions, names, projects
from euryale.cloud.wire.projects import CreateProject, SetVariables
from euryale.workflows import Reason, Status, StepState, UndoState

NUL = "\0"


def create(**fields: Any) -> CreateProject:
    return CreateProject.model_validate({"name": "shop", **fields})


@pytest.mark.parametrize("name", ["shop", "my-shop", "a1", "a" * 30])
def test_a_name_is_accepted(name: str):
    assert create(name=name).name == name


@pytest.mark.parametrize("name", ["", "a", "Shop", "1shop", "shop-", "a--b", "a" * 31, "a/b", "..", "shop\n", "é" * 5])
def test_a_name_is_refused(name: str):
    with pytest.raises(ValidationError):
        create(name=name)


@pytest.mark.parametrize("root", [".", "app", "./app/", "apps/web", ".config/app", "a b", "@scope/app", "a..b"])
def test_a_root_directory_is_accepted(root: str):
    assert create(root=root).root == root


@pytest.mark.parametrize(
    "root", ["", "/app", "..", "../app", "app/../..", "app/..", "./..", "a//b", "-x", "a\\b", "a\0b"]
)
def test_a_root_directory_is_refused(root: str):
    with pytest.raises(ValidationError):
        create(root=root)


@pytest.mark.parametrize("branch", ["main", "feature/new-checkout", "fix_1.2", "ünïcode"])
def test_a_branch_is_accepted(branch: str):
    assert create(branch=branch).branch == branch


@pytest.mark.parametrize(
    "branch", ["", "-f", "--upload-pack=x", "a b", "a~1", "a^", "a:b", "/a", ".a", "a\n", "x" * 241]
)
def test_a_branch_is_refused(branch: str):
    with pytest.raises(ValidationError):
        create(branch=branch)


@pytest.mark.parametrize(
    "repository",
    ["https://example.com/a.git", "git@example.com:a/b.git", "ssh://git@example.com/a", "/srv/a.git", "euryale:shop"],
)
def test_a_repository_is_accepted(repository: str):
    assert create(repository=repository).repository == repository


@pytest.mark.parametrize(
    "repository", ["", "-x", "--upload-pack=touch", "https://a b", "a\0b", "https://me:secret@example.com/a.git"]
)
def test_a_repository_is_refused(repository: str):
    with pytest.raises(ValidationError):
        create(repository=repository)


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="previewz"):
        create(previewz=True)


def variables(*given: dict[str, Any]) -> SetVariables:
    return SetVariables.model_validate({"variables": list(given)})


def test_a_variable_is_a_secret_from_the_beginning():
    (found,) = variables({"name": "STRIPE_KEY", "value": "sk_live", "scope": "runtime"}).variables
    assert (found.name, found.value.reveal(), found.scope) == ("STRIPE_KEY", "sk_live", "runtime")
    assert "sk_live" not in repr(found)
    assert "sk_live" not in found.model_dump_json()


@pytest.mark.parametrize("name", ["", "lower", "1A", "A-B", "A B", "A=B", "É", *sorted(names.RESERVED_VARIABLES)])
def test_a_variables_name_is_refused(name: str):
    with pytest.raises(ValidationError):
        variables({"name": name, "value": "x"})


@pytest.mark.parametrize("value", [f"a{NUL}b", "x" * 32769, 1, None])
def test_a_variables_value_is_refused(value: object):
    with pytest.raises(ValidationError):
        variables({"name": "A", "value": value})


def test_a_variable_is_named_once():
    with pytest.raises(ValidationError, match="given twice: A"):
        variables({"name": "A", "value": "1"}, {"name": "A", "value": "2"})


@pytest.mark.parametrize("key", ["abc-1.2_3", "x" * 64])
def test_an_idempotency_key_is_accepted(key: str):
    assert TypeAdapter(names.IdempotencyKey).validate_python(key) == key


@pytest.mark.parametrize("key", ["", "a/b", "a:b", "x" * 65, "a b"])
def test_an_idempotency_key_is_refused(key: str):
    with pytest.raises(ValidationError):
        TypeAdapter(names.IdempotencyKey).validate_python(key)


@pytest.mark.parametrize(
    ("told", "states"),
    [
        (deployments.DeploymentState, deployment_records.DeploymentState),
        (projects.ProjectState, project_records.ProjectState),
        (projects.EnvironmentKind, project_records.EnvironmentKind),
        (projects.EnvironmentState, project_records.EnvironmentState),
        (projects.VariableScope, project_records.Scope),
        (executions.ExecutionStatus, Status),
        (executions.TurnReason, Reason),
        (executions.StepState, StepState),
        (executions.UndoState, UndoState),
    ],
)
def test_every_state_can_be_told(told: Any, states: Any):
    assert set(get_args(told)) == {each.value for each in states}
