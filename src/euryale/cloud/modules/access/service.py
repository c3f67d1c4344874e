"""The rules of access: tokens are issued once, kept as hashes, and looked up by them."""

import hashlib
from datetime import timedelta

from sqlalchemy import select

from euryale.cloud.modules.access import models
from euryale.cloud.modules.access.records import IssuedToken, Role, Token
from euryale.framework.auth import Principal
from euryale.framework.data import Database
from euryale.kit.errors import UnauthorizedError
from euryale.kit.ids import new_token
from euryale.kit.machine_time import utc_now
from euryale.kit.secret import Secret

_USE_IS_NOTED_EVERY = timedelta(minutes=1)


class Access:
    """Issues tokens and tells who holds one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, name: str, role: Role, value: Secret | None = None) -> IssuedToken:
        """Issue a token.

        Args:
            name: What it is for.
            role: What it may do.
            value: The value to use, such as one that a file holds already; default: a new random one. A value that
                was issued before is the same token again.
        """
        value = value or Secret(new_token("eury"))
        async with self._database.transaction() as session:
            digest = _digest(value)
            row = await session.scalar(select(models.Token).where(models.Token.digest == digest))
            if row is None:
                row = models.Token(name=name, digest=digest, role=role)
                session.add(row)
                await session.flush()
            return IssuedToken(_token(row), value)

    async def authenticate(self, token: Secret) -> Principal:
        """Return who holds a token.

        Raises:
            UnauthorizedError: If nobody does.
        """
        async with self._database.reading() as session:
            row = await session.scalar(select(models.Token).where(models.Token.digest == _digest(token)))
        if row is None:
            raise UnauthorizedError(
                "This token is not known here.",
                hint="Use the one in the platform's data directory (file `token`), or EURYALE_TOKEN.",
            )
        await self._note_use(row)
        return Principal(id=row.id, name=row.name, roles=frozenset({row.role}))

    async def _note_use(self, row: models.Token) -> None:
        now = utc_now()
        if row.last_used_at is not None and now - row.last_used_at < _USE_IS_NOTED_EVERY:
            return
        async with self._database.transaction() as session:
            current = await session.get(models.Token, row.id)
            if current is not None:
                current.last_used_at = now


def _digest(value: Secret) -> str:
    return hashlib.sha256(value.reveal().encode()).hexdigest()


def _token(row: models.Token) -> Token:
    return Token(row.id, row.name, Role(row.role), row.created_at, row.last_used_at)
