"""What can go wrong with an application's data.

FrameworkError
├── DataError                the database is used in a way that cannot work
│   ├── CommitRefusedError   somebody inside a unit of work wants to end it
│   └── EncryptionError      an encrypted column has no key, or none that fits
└── MigrationError           a schema and its migrations do not fit
DuplicateRecordError         (a ConflictError) a record with that unique value exists
DatabaseUnavailableError     (an UnavailableError) the database does not answer, or is busy for too long
"""

from euryale.framework.errors import FrameworkError
from euryale.kit.errors import ConflictError, UnavailableError


class DataError(FrameworkError):
    """The database is used in a way that cannot work. The message says what to change."""

    code = "framework.data"


class CommitRefusedError(DataError):
    """Only the unit of work commits or rolls back. Leave its block to commit; raise to roll back."""

    code = "framework.data.commit_refused"


class EncryptionError(DataError):
    """An encrypted column has no key or none that fits. Give the database the key it was written with."""

    code = "framework.data.encryption"


class MigrationError(FrameworkError):
    """A schema and its migrations do not fit. The message says which module and what to do."""

    code = "framework.migration"


class DuplicateRecordError(ConflictError):
    """A record with that unique value exists already. Use another value, or change the one that is there."""

    code = "framework.data.duplicate"


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer, or was busy for too long. The same call may succeed later."""

    code = "framework.data.unavailable"
