"""What every backend promises: a behavioural suite that a backend's own tests subclass."""

from euryale.workflows.testing.backend_contract.branching import BranchingContract
from euryale.workflows.testing.backend_contract.children import ChildrenContract
from euryale.workflows.testing.backend_contract.failing import FailingContract
from euryale.workflows.testing.backend_contract.repeating import RepeatingContract
from euryale.workflows.testing.backend_contract.running import RunningContract
from euryale.workflows.testing.backend_contract.scene import BackendFactory
from euryale.workflows.testing.backend_contract.stopping import StoppingContract
from euryale.workflows.testing.backend_contract.undoing import UndoingContract
from euryale.workflows.testing.backend_contract.values import ValuesContract
from euryale.workflows.testing.backend_contract.waiting import WaitingContract

__all__ = ["BackendContract", "BackendFactory"]


class BackendContract(
    RunningContract,
    ValuesContract,
    BranchingContract,
    RepeatingContract,
    ChildrenContract,
    FailingContract,
    UndoingContract,
    WaitingContract,
    StoppingContract,
):
    """Subclass it as ``Test...`` with an async fixture ``new_backend``.

    The fixture gives a :class:`BackendFactory`; the suite closes what that makes. Steps run in the process and the
    event loop of the tests. The backend can encrypt secrets.

    Example:
        >>> class TestMyBackend(BackendContract):
        ...     @pytest.fixture
        ...     def new_backend(self, cluster):
        ...         async def new_backend(*workflows, deliver=None):
        ...             return await MyBackend.open(cluster, workflows=workflows, deliver=deliver)
        ...
        ...         return new_backend
    """
