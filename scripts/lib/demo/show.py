"""The demo, part by part. Each part shows something, checks it, and notes how long it took."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import Any, Final

from demo.failures import DemoError
from demo.platform_process import Platform
from demo.repository import BRANCH, Repository
from demo.site import Site
from demo.stories import Entry, Story, rewrite_message
from demo.terminal import Stopwatch, fact, heading, seconds
from demo.waiting import NotYet, Seen, wait_for

CREATE: Final = "projects create: push, build, database, migrate, start"
FIRST_ANSWER: Final = "production: pages, store, login, admin"
PREVIEW: Final = "git push to preview live, with production's data"
REMOVAL: Final = "branch deleted to preview gone"

_LONGER_STEPS: Final = ("create-database", "build-artifact", "run-release", "start-instances", "await-health")
_TOPIC: Final = "new-greeting"
_NEW_MESSAGE: Final = "Good morning from the branch"
_TITLE: Final = "Made in production"
_CHANGED: Final = "Changed in the preview"
_BEGUN_WITHIN: Final = 60.0
_REMOVED_WITHIN: Final = 180.0
_NOT_FOUND: Final = 404


def create_project(platform: Platform, story: Story, repository: Repository, watch: Stopwatch) -> str:
    """Create the project from the repository; return where its production is reached.

    Raises:
        DemoError: If production does not come up.
    """
    heading(f"{story.name}: a repository becomes production")
    variables = story.variables()
    named = [word for name in variables for word in ("--var", name)]  # their values go by the environment
    with watch.lap(CREATE):
        platform.run(
            *("projects", "create", story.name, "--source", str(repository.directory), *named),
            env=variables,
            within=story.ready_within,
        )
    watch.laps += _parts(platform, story.name)
    production = _environment(platform, story.name, "production")
    if production is None or production["state"] != "live":
        raise DemoError(f"production is not live: {production}", log=platform.log)
    fact(f"production is live at {production['url']} ({seconds(watch.took(CREATE))})")
    return str(production["url"]).rstrip("/")


def use_production(story: Story, url: str, watch: Stopwatch) -> Entry:
    """Look around in production, and store something there."""
    heading("Production answers through the router")
    with closing(Site(url)) as production, watch.lap(FIRST_ANSWER):
        for seen in story.tour(production):
            fact(seen)
        entry = story.add(production, _TITLE)
        _expect(story.titles(production).get(entry.id), _TITLE, f"the {story.entry} in production")
        fact(f"a {story.entry} was created in production: {entry.title!r}")
    return entry


def push_branch(platform: Platform, story: Story, repository: Repository, watch: Stopwatch) -> str:
    """Push a branch that says something else; return where its preview is reached."""
    heading("A pushed branch becomes a preview")
    repository.branch(_TOPIC)
    rewrite_message(repository.directory, story, _NEW_MESSAGE)
    repository.commit("Say good morning")
    with watch.lap(PREVIEW):
        repository.push(platform.remote(story.name), _TOPIC, token=platform.token)
        fact(f"git push {_TOPIC}: {story.message_file} says {_NEW_MESSAGE!r}")
        execution = wait_for("the preview", _until_begun(platform, story), within=_BEGUN_WITHIN, log=platform.log)
        platform.run("executions", "show", execution, "--follow", within=story.ready_within)
    preview = _environment(platform, story.name, _TOPIC)
    if preview is None or preview["state"] != "live":
        raise DemoError(f"the preview is not live: {preview}", log=platform.log)
    url = str(preview["url"]).rstrip("/")
    fact(f"the preview is live at {url} ({seconds(watch.took(PREVIEW))})")
    return url


def compare_environments(story: Story, entry: Entry, production_url: str, preview_url: str) -> None:
    """Prove that the preview has the branch's code and a copy of production's data, and that they are apart."""
    heading("The preview has its own code and its own copy of the data")
    with closing(Site(production_url)) as production, closing(Site(preview_url)) as preview:
        before = story.message(production)
        _expect(story.message(preview), _NEW_MESSAGE, "what the preview says")
        if before == _NEW_MESSAGE:
            raise DemoError("production says what only the branch does")
        fact(f"production says {before!r}, the preview {_NEW_MESSAGE!r}")
        _expect(story.titles(preview).get(entry.id), entry.title, f"production's {story.entry} in the preview")
        fact(f"the preview shows the {story.entry} that was created in production before")
        story.change(preview, entry, _CHANGED)
        _expect(story.titles(preview).get(entry.id), _CHANGED, f"the changed {story.entry} in the preview")
        _expect(story.titles(production).get(entry.id), entry.title, f"the {story.entry} in production")
        fact(f"it was changed in the preview to {_CHANGED!r}; production still shows {entry.title!r}")


def delete_branch(platform: Platform, story: Story, repository: Repository, preview_url: str, watch: Stopwatch) -> None:
    """Delete the branch, and see that nothing of the preview is left."""
    heading("A deleted branch takes its preview away")
    with watch.lap(REMOVAL):
        repository.push(platform.remote(story.name), f":{_TOPIC}", token=platform.token)
        wait_for("the preview's end", _until_gone(platform, story), within=_REMOVED_WITHIN, log=platform.log)
    with closing(Site(preview_url)) as preview:
        _expect(preview.status("/health"), _NOT_FOUND, f"the status of {preview_url}")
    left = [each["name"] for each in platform.environments(story.name)]
    _expect(left, ["production"], "the environments")
    fact(f"{preview_url} answers 404; the project has production alone ({seconds(watch.took(REMOVAL))})")


def examine(platform: Platform, story: Story, production_url: str, entry: Entry) -> None:
    """Let the platform compare its ledger with what exists, and look at production a last time."""
    heading("Nothing is left behind")
    platform.run("doctor", within=60)
    found = platform.get("/doctor")
    if not found["healthy"]:
        raise DemoError(f"the ledger and reality differ: {found['differences']}", log=platform.log)
    with closing(Site(production_url)) as production:
        _expect(story.titles(production).get(entry.id), entry.title, f"the {story.entry} in production")
    fact(f"the ledger holds exactly what exists, and {BRANCH} still serves")


def _parts(platform: Platform, project: str) -> list[tuple[str, float]]:
    """Return what the longer steps of a project's creation took."""
    created = platform.get(f"/projects/{project}")["execution"]
    taken = {
        str(step["id"]): (
            datetime.fromisoformat(step["ended"]) - datetime.fromisoformat(step["started"])
        ).total_seconds()
        for execution in (created, f"{created}::deploy")
        for step in platform.get(f"/executions/{execution}")["steps"]
        if step["started"] and step["ended"]
    }
    return [(f"  {name}", taken[name]) for name in _LONGER_STEPS if name in taken]


def _environment(platform: Platform, project: str, name: str) -> dict[str, Any] | None:
    return next((each for each in platform.environments(project) if each["name"] == name), None)


def _until_begun(platform: Platform, story: Story) -> Callable[[], Seen[str] | NotYet]:
    def probe() -> Seen[str] | NotYet:
        preview = _environment(platform, story.name, _TOPIC)
        return NotYet("accepted") if preview is None else Seen(str(preview["execution"]))

    return probe


def _until_gone(platform: Platform, story: Story) -> Callable[[], Seen[None] | NotYet]:
    def probe() -> Seen[None] | NotYet:
        preview = _environment(platform, story.name, _TOPIC)
        if preview is None:
            return Seen(None)
        return NotYet(", ".join(_running(platform, preview["execution"])) or preview["state"])

    return probe


def _running(platform: Platform, execution: str) -> list[str]:
    """Return the steps that are under way, those of called executions instead of the calls."""
    found = platform.get(f"/executions/{execution}") if execution else None
    names: list[str] = []
    for step in found["steps"] if found else ():
        if step["child"] and step["state"] in {"running", "waiting"}:
            names += _running(platform, step["child"])
        elif step["state"] == "running":
            names.append(str(step["id"]))
    return names


def _expect(seen: object, wanted: object, what: str) -> None:
    if seen != wanted:
        raise DemoError(f"{what} should be {wanted!r}, and is {seen!r}")
