"""A simulated worker: an engine in a process, over a store that is far away."""

from collections.abc import Mapping
from typing import Any

from euryale.kit.clock import pause
from euryale.workflows.definition.workflow import Workflow
from euryale.workflows.engine import Engine
from euryale.workflows.errors import StoreError
from euryale.workflows.testing.simulator.distance import DistantStore
from euryale.workflows.testing.simulator.process import Life, Process


class SimulatedWorker:
    """A process with an engine in it.

    Attributes:
        process: The process.
        store: How it sees the store.
        engine: Its engine.
        workflows: Its workflows, by name.
        ready: Whether the engine is open.
    """

    def __init__(
        self, process: Process, store: DistantStore, engine: Engine, workflows: Mapping[str, Workflow[Any, Any]]
    ) -> None:
        self.process = process
        self.store = store
        self.engine = engine
        self.workflows = workflows
        self.ready = False

    async def open(self) -> None:
        """Open the engine, as often as it takes."""
        while not self.ready:
            try:
                await self.engine.open()
                self.ready = True
            except StoreError:
                await pause(self.process, 1.0)

    @property
    def runs(self) -> bool:
        """Whether it can be talked to."""
        return self.ready and self.process.life is Life.RUNS
