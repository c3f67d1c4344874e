"""A simulator: everything that may go wrong with many executions on several workers, out of one number."""

from euryale.workflows.testing.simulator.course import Disturbances, Load, ViolationError
from euryale.workflows.testing.simulator.simulation import Simulation, simulate

__all__ = ["Disturbances", "Load", "Simulation", "ViolationError", "simulate"]
