"""Executions that were recorded once go the same way with the code of today, and would be gone on with."""

from pathlib import Path

import pytest

from crash_scenarios import SCENARIOS, World
from euryale.cloud.workflows.create_project import create_project
from euryale.cloud.workflows.deploy import deploy
from euryale.workflows.testing import RecordedHistory, replay_history

HISTORIES = sorted(Path(__file__).with_name("histories").glob("*.json"))
PLATFORM = sorted(Path(__file__).with_name("platform").glob("*.json"))
WORKFLOWS = {each.name: each for each in (create_project, deploy)}
BY_NAME = {build.__name__.replace("_", "-"): build for build in SCENARIOS}


def test_there_is_one_of_each_workflow():
    assert {path.stem for path in HISTORIES} == set(BY_NAME), "python tests/replay/record.py"


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_recorded_history_goes_the_same_way_today(path):
    world = World()
    scenario = BY_NAME[path.stem](world)
    replay = replay_history(RecordedHistory.load(path), scenario.flow)
    replay.check()
    assert replay.same_plan
    assert list(world.effects) == [], "no step was called"


def test_there_are_some_of_the_platform():
    assert [path.stem for path in PLATFORM] == [
        "create-project.succeeded",
        "create-project.undone",
        "deploy.succeeded",
        "deploy.unhealthy",
    ], "python tests/replay/record_platform.py"


@pytest.mark.parametrize("path", PLATFORM, ids=lambda path: path.stem)
def test_a_recorded_history_of_the_platform_goes_the_same_way_today(path):
    replay = replay_history(RecordedHistory.load(path), WORKFLOWS[path.stem.partition(".")[0]])
    replay.check()
    assert replay.same_plan
