"""Putting all encrypted columns under the newest key."""

from sqlalchemy import MetaData, select, tuple_, update

from euryale.framework.data.database import Database
from euryale.framework.data.types import EncryptedText


async def reencrypt(database: Database, metadata: MetaData) -> int:
    """Encrypt every encrypted column anew, under the first key of the database's ring.

    Each table is one transaction, so it may be interrupted and begun again. Afterwards the older keys may go.

    Returns:
        How many rows were written.

    Raises:
        EncryptionError: If a value was encrypted under none of the keys.
    """
    written = 0
    for table in metadata.sorted_tables:
        columns = [column for column in table.columns if isinstance(column.type, EncryptedText)]
        if not columns:
            continue
        keys = list(table.primary_key.columns)
        async with database.transaction() as session:
            rows = (await session.execute(select(*keys, *columns))).all()
            for row in rows:
                key, values = tuple(row)[: len(keys)], tuple(row)[len(keys) :]
                changed = {column.name: value for column, value in zip(columns, values, strict=True)}
                await session.execute(update(table).where(tuple_(*keys) == key).values(changed))
            written += len(rows)
    return written
