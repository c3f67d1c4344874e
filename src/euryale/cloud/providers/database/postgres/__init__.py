"""PostgreSQL on this machine, made like Neon: a branch is a small cluster of its own, copied while its base serves."""

from euryale.cloud.providers.database.postgres.clusters import PostgresClusters

__all__ = ["PostgresClusters"]
