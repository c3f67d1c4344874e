"""The SQL of this store: one statement a file, named as what it does."""

from importlib.resources import files


class Statements:
    """Gives the text of ``sql/<name>.sql`` as an attribute, read once.

    Example:
        >>> Statements().retire
        'SELECT retire($1, false);'
    """

    def __init__(self) -> None:
        folder = files("euryale.workflows.stores.postgres").joinpath("sql")
        self._texts = {
            each.name.removesuffix(".sql"): each.read_text("utf-8").strip()
            for each in folder.iterdir()
            if each.name.endswith(".sql")
        }
        migrations = folder.joinpath("migrations")
        self.migrations = tuple(
            each.read_text("utf-8") for each in sorted(migrations.iterdir(), key=lambda each: each.name)
        )

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(name) from None


SQL = Statements()
