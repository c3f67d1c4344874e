"""The platform itself: who calls, and whether what exists is what was written down."""

from fastapi import APIRouter

from euryale.cloud.api.versioned import ANYONE_KNOWN, PREFIX
from euryale.cloud.audit import Audit
from euryale.cloud.wire.platform import Caller, Diagnosis, DifferenceInfo
from euryale.framework.auth import CurrentPrincipal
from euryale.framework.http import Inject

router = APIRouter(prefix=PREFIX, tags=["platform"], dependencies=[ANYONE_KNOWN])


@router.get("/whoami")
async def show_caller(principal: CurrentPrincipal) -> Caller:
    """Say whose token this is."""
    return Caller(id=principal.id, name=principal.name, roles=sorted(principal.roles))


@router.get("/doctor")
async def diagnose(audit: Inject[Audit]) -> Diagnosis:
    """Compare the ledger with what really exists; while something is being made or taken away they may differ."""
    found = [DifferenceInfo.model_validate(each) for each in await audit.differences()]
    return Diagnosis(healthy=not found, differences=found)
