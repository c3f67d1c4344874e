"""Tools to prove workflows, stores and backends: crashes at every store call, faults on demand, effects, contracts."""

from euryale.workflows.testing.backend_contract import BackendContract, BackendFactory
from euryale.workflows.testing.effects import Effect, Effects
from euryale.workflows.testing.faults import (
    CrashingStore,
    FaultSwitch,
    FlakyStore,
    KillPoint,
    SimulatedCrash,
    kill_points,
)
from euryale.workflows.testing.history import RecordedHistory, record_history
from euryale.workflows.testing.passing_time import PassingTime
from euryale.workflows.testing.queue_contract import QueueContract, SharedQueueContract
from euryale.workflows.testing.replay import Replay, ReplayError, replay_history
from euryale.workflows.testing.schedule_contract import ScheduleContract
from euryale.workflows.testing.shared_store_contract import SharedStoreContract
from euryale.workflows.testing.simulator import Disturbances, Load, Simulation, ViolationError, simulate
from euryale.workflows.testing.store_contract import StoreContract
from euryale.workflows.testing.virtual_time import run_in_virtual_time

__all__ = [
    "BackendContract",
    "BackendFactory",
    "CrashingStore",
    "Disturbances",
    "Effect",
    "Effects",
    "FaultSwitch",
    "FlakyStore",
    "KillPoint",
    "Load",
    "PassingTime",
    "QueueContract",
    "RecordedHistory",
    "Replay",
    "ReplayError",
    "ScheduleContract",
    "SharedQueueContract",
    "SharedStoreContract",
    "SimulatedCrash",
    "Simulation",
    "StoreContract",
    "ViolationError",
    "kill_points",
    "record_history",
    "replay_history",
    "run_in_virtual_time",
    "simulate",
]
