"""Progress: what states and events amount to, as lines and as a tree."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from euryale.cli.progress import Progress
from euryale.cli.progress_lines import line_of
from euryale.cli.progress_tree import ProgressTree
from euryale.cloud.wire.executions import ExecutionDetail, ExecutionEventInfo, StepInfo

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CHILD = "create:1::deploy"


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def step(name: str, **fields: Any) -> StepInfo:
    known: dict[str, Any] = {
        "kind": "step", "state": "pending", "undo_state": "none", "attempts": 0, "undo_attempts": 0,
        "max_attempts": 6, "started": None, "ended": None, "due": None, "error": "", "child": "",
    }  # fmt: skip
    return StepInfo(id=name, **{**known, **fields})


def state(execution: str, *steps: StepInfo, **fields: Any) -> ExecutionDetail:
    known: dict[str, Any] = {
        "workflow": execution.split(":", maxsplit=1)[0], "version": 1, "status": "running", "reason": "",
        "created_at": BEGIN, "finished_at": None,
        "parent": "", "error": None, "stranded": "", "deployment": "", "seq": 0,
    }  # fmt: skip
    return ExecutionDetail(id=execution, steps=list(steps), **{**known, **fields})


def event(name: str, seconds: float, *, seq: int = 0, step: str = "", **fields: Any) -> ExecutionEventInfo:
    known: dict[str, Any] = {
        "execution": "create:1", "parent": "", "attempt": 1, "started": None, "due": None, "error": "", "status": None
    }  # fmt: skip
    return ExecutionEventInfo(name=name, at=at(seconds), seq=seq, step=step, **{**known, **fields})


@pytest.fixture
def progress() -> Progress:
    made = Progress("create:1")
    made.take_state(state("create:1", step("check"), step("deploy", kind="child"), step("done", kind="emit")))
    return made


def drawn(progress: Progress, seconds: float, log_line: str = "", height: int = 40) -> list[str]:
    tree = ProgressTree(progress, "Creating shop")
    tree.log_line = log_line
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(tree.render(at(seconds), 100, height))
    output = console.file.getvalue()  # type: ignore[attr-defined]
    return [" ".join(line.split()) for line in output.splitlines()]


def test_steps_go_from_pending_over_running_to_succeeded(progress: Progress):
    assert drawn(progress, 0) == ["Creating shop", "· check", "· deploy"]
    progress.take_event(event("step.started", 1, step="check"))
    assert drawn(progress, 3.5)[1].endswith("check 2.5 s")
    progress.take_event(event("step.succeeded", 4, seq=1, step="check", started=at(1)))
    assert drawn(progress, 99)[1] == "✔ check 3.0 s"


def test_a_step_that_is_tried_again_says_when_and_why(progress: Progress):
    failed = event("step.retrying", 2, seq=1, step="check", started=at(1), due=at(3.3), error="no answer\nat all")
    progress.take_event(failed)
    assert line_of(progress, failed) == "↻ create / check: retry 2/6 in 1.3 s: no answer"
    assert drawn(progress, 2.3)[1] == "↻ check retry 2/6 in 1.0 s: no answer 1.3 s"
    progress.take_event(event("step.started", 3.3, step="check", attempt=2))
    assert "attempt 2/6" in drawn(progress, 4)[1]


def test_the_steps_of_a_child_stand_beneath_it(progress: Progress):
    progress.take_event(event("step.started", 1, step="deploy"))
    progress.take_event(event("step.waiting", 1, seq=1, step="deploy"))
    progress.take_state(state(CHILD, step("build-artifact"), step("go-live"), parent="create:1"))
    progress.take_event(event("step.started", 2, step="build-artifact", execution=CHILD, parent="create:1"))
    lines = drawn(progress, 3, log_line="added 300 packages")
    assert lines[2].endswith("deploy 2.0 s")
    assert lines[3].endswith("build-artifact 1.0 s")
    assert lines[4:] == ["added 300 packages", "· go-live"]
    assert [each.id for each in progress.running("build-artifact")] == [CHILD]


def test_an_undo_is_shown(progress: Progress):
    progress.take_event(event("step.succeeded", 2, seq=1, step="check", started=at(1)))
    failed = event("step.failed", 3, seq=2, step="deploy", started=at(2), error="the build failed")
    progress.take_event(failed)
    assert line_of(progress, failed) == "✘ create / deploy (1.0 s): the build failed"
    turned = event("execution.compensating", 3, seq=3, error="the build failed")
    progress.take_event(turned)
    assert line_of(progress, turned) == "↶ create: undoing what was done: the build failed"
    progress.take_event(event("undo.started", 4, step="check"))
    progress.take_event(event("undo.succeeded", 5, seq=4, step="check"))
    assert drawn(progress, 6)[1].startswith("↶ check undone")
    progress.take_event(event("execution.finished", 6, seq=5, status="reverted"))
    assert progress.executions["create:1"].status == "reverted"


def test_what_a_state_holds_already_is_not_taken_in_again(progress: Progress):
    progress.take_state(state("create:1", step("check", state="running", attempts=1, started=at(1)), seq=3))
    assert not progress.take_event(event("step.retrying", 2, seq=3, step="check", started=at(1), due=at(3)))
    assert progress.executions["create:1"].steps["check"].state == "running"
    assert progress.take_event(event("step.succeeded", 4, seq=4, step="check", attempt=2))
    assert progress.executions["create:1"].steps["check"].state == "succeeded"


def test_events_of_events_have_no_line(progress: Progress):
    staged = event("event.staged", 3, seq=1, step="done")
    progress.take_event(staged)
    assert line_of(progress, staged) is None


def test_what_is_over_gives_way_on_a_small_terminal(progress: Progress):
    progress.take_event(event("step.succeeded", 2, seq=1, step="check", started=at(1)))
    progress.take_event(event("step.started", 2, step="deploy"))
    assert [line.split()[-3] for line in drawn(progress, 4, height=2)[1:]] == ["deploy"]
