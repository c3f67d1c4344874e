"""The text of a cluster's configuration, and the statements that set it up. Pure."""

from pathlib import Path

from euryale.cloud.providers.database.postgres.record import DATABASE, HOST, ROLE, SUPERUSER, BranchRecord

_SETTINGS = f"""\
# Written by the platform at each start; changes here are lost.
listen_addresses = '{HOST}'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'

# Many small clusters share one machine.
max_connections = 60
shared_buffers = '32MB'
work_mem = '4MB'
maintenance_work_mem = '32MB'
huge_pages = off
jit = off
io_method = 'sync'
autovacuum_max_workers = 2
max_worker_processes = 4
max_parallel_workers_per_gather = 0

# Nothing that was committed is lost, and copies are made while it serves: two senders a copy.
fsync = on
wal_level = 'replica'
max_wal_senders = 16
max_replication_slots = 16
min_wal_size = '32MB'
max_wal_size = '256MB'

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C.UTF-8'
default_text_search_config = 'pg_catalog.english'

# A ring of 24 files. Statements are left out: they hold the users' data, and would have no bound.
logging_collector = on
log_filename = '%H.log'
log_rotation_age = '1h'
log_rotation_size = 0
log_truncate_on_rotation = on
log_file_mode = 0600
log_min_error_statement = 'panic'
log_checkpoints = off
"""

_ACCESS = f"""\
# Written by the platform at each start; changes here are lost.
host {DATABASE} {ROLE} {HOST}/32 scram-sha-256
host all {SUPERUSER} {HOST}/32 scram-sha-256
host replication {SUPERUSER} {HOST}/32 scram-sha-256
"""


def settings_text(logs: Path) -> str:
    """Return the text of ``postgresql.conf`` for a server that logs into the directory ``logs``."""
    quoted = str(logs).replace("\\", "\\\\").replace("'", "''")
    return f"{_SETTINGS}log_directory = '{quoted}'\n"


def access_text() -> str:
    """Return the text of ``pg_hba.conf``: loopback and passwords only, and only the platform's two roles."""
    return _ACCESS


def fresh_statements(record: BranchRecord) -> list[str]:
    """Return the statements that turn a new cluster into a branch: passwords, the role and its database."""
    return [
        f"ALTER ROLE {SUPERUSER} PASSWORD '{record.superuser_password.reveal()}'",
        f"CREATE ROLE {ROLE} LOGIN PASSWORD '{record.password.reveal()}'",
        f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        f"REVOKE ALL ON DATABASE {SUPERUSER} FROM PUBLIC",
    ]


def copy_statements(record: BranchRecord) -> list[str]:
    """Return the statements that give a copy passwords of its own, so that its base's open nothing here."""
    return [
        f"ALTER ROLE {SUPERUSER} PASSWORD '{record.superuser_password.reveal()}'",
        f"ALTER ROLE {ROLE} PASSWORD '{record.password.reveal()}'",
    ]
