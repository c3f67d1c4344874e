"""The front door."""

from fastapi import APIRouter

from hello.message import MESSAGE

router = APIRouter(tags=["front"])


@router.get("/")
async def welcome() -> dict[str, str]:
    """Say hello."""
    return {"message": MESSAGE}
