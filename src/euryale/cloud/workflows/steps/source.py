"""Steps that read the repository: is it there, what is to be deployed, how is it built."""

from euryale.cloud.buildplan.detect import plan as detect
from euryale.cloud.buildplan.files import RepositoryFiles, wanted
from euryale.cloud.buildplan.plan import BuildPlan
from euryale.cloud.modules.projects import NewProject, Projects
from euryale.cloud.providers.source.contract import Source
from euryale.cloud.workflows.references import Checked
from euryale.cloud.workflows.steps.policy import PATIENT, QUICK, SLOW, UNDO, why
from euryale.framework.events import Events
from euryale.workflows import inject, step, step_context


@step(retry=PATIENT, timeout=SLOW)
async def validate_repository(new: NewProject, *, source: Source = inject(), projects: Projects = inject()) -> Checked:
    """See that the name is free and that the repository can be read; find the commit to deploy."""
    await projects.check_free(new.name)
    repository = await source.inspect(new.repository)
    branch = new.branch or repository.default_branch
    commit = await source.resolve(repository.address, branch)
    return Checked(repository.address, branch, commit.sha)


@validate_repository.compensate(retry=UNDO, timeout=QUICK)
async def tell_of_failure(_: Checked | None, *, new: NewProject, events: Events = inject()) -> None:
    """Tell the world, as the last thing that is done for a project that could not be created."""
    execution = step_context().execution
    data = {"project": new.name, "reason": why(), "execution": execution}
    await events.publish("project.creation_failed", data, key=f"{execution}/failed")


@step(retry=PATIENT, timeout=SLOW)
async def determine_build_plan(repository: str, commit: str, root: str, *, source: Source = inject()) -> BuildPlan:
    """Decide from the repository's files how it is built, or refuse it."""
    paths = await source.files(repository, commit)
    contents = {path: await source.read(repository, commit, path) for path in sorted(wanted(paths, root))}
    return detect(RepositoryFiles(paths, contents), root=root)
