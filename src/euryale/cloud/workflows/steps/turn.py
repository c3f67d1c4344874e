"""The step with which everything begins that is done to an environment: wait for one's turn."""

from euryale.cloud.workflows.references import Place
from euryale.cloud.workflows.steps.policy import PATIENT
from euryale.cloud.workflows.turns import Turns
from euryale.workflows import inject, step, step_context


@step(retry=PATIENT)
async def take_turn(place: Place, *, turns: Turns = inject()) -> None:
    """Supersede what was started before for the same environment, and wait until it has ended and is undone."""
    await turns.take(place, step_context().root)
