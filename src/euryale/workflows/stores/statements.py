"""The SQL of a store: one statement a file, named as what it does."""

from importlib.resources import files


class Statements:
    """Gives the text of ``sql/<name>.sql`` as an attribute, read once.

    Args:
        package: The package of the store, which has the folder ``sql``.

    Attributes:
        migrations: The texts of ``sql/migrations``, in the order of their names.

    Example:
        >>> Statements("euryale.workflows.stores.sqlite").read_epoch
        'SELECT epoch FROM executions WHERE id = ?;'
    """

    def __init__(self, package: str) -> None:
        folder = files(package).joinpath("sql")
        for each in folder.iterdir():
            if each.name.endswith(".sql"):
                setattr(self, each.name.removesuffix(".sql"), each.read_text("utf-8").strip())
        migrations = folder.joinpath("migrations")
        self.migrations = tuple(
            each.read_text("utf-8") for each in sorted(migrations.iterdir(), key=lambda each: each.name)
        )

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"There is no sql/{name}.sql.", name=name, obj=self)
