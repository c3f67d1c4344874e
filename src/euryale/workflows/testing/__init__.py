"""Tools to prove workflows and stores: crashes at every store call, faults on demand, recorded effects, a contract."""

from euryale.workflows.testing.effects import Effect, Effects
from euryale.workflows.testing.faults import (
    CrashingStore,
    FaultSwitch,
    FlakyStore,
    KillPoint,
    SimulatedCrash,
    kill_points,
)
from euryale.workflows.testing.passing_time import PassingTime
from euryale.workflows.testing.schedule_contract import ScheduleContract
from euryale.workflows.testing.shared_store_contract import SharedStoreContract
from euryale.workflows.testing.simulator import Disturbances, Load, Simulation, ViolationError, simulate
from euryale.workflows.testing.store_contract import StoreContract

__all__ = [
    "CrashingStore",
    "Disturbances",
    "Effect",
    "Effects",
    "FaultSwitch",
    "FlakyStore",
    "KillPoint",
    "Load",
    "PassingTime",
    "ScheduleContract",
    "SharedStoreContract",
    "SimulatedCrash",
    "Simulation",
    "StoreContract",
    "ViolationError",
    "kill_points",
    "simulate",
]
