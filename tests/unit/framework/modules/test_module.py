"""A module's manifest is refused where it cannot work."""

from pathlib import Path

import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from euryale.framework.data import DataError, Model, id_column
from euryale.framework.modules import Module, ModuleError


def test_tables_are_named_after_the_module_and_the_class():
    class Base(Model, DeclarativeBase, module="notes"): ...

    class NoteBook(Base):
        id: Mapped[str] = id_column("book")

    assert NoteBook.__tablename__ == "notes_note_book"
    schema = Module("notes", models=Base).schema
    assert schema is not None
    assert schema.migrations == Path(__file__).parent / "migrations"
    assert schema.version_table == "notes_alembic_version"
    assert schema.owns("notes_note_book")
    assert not schema.owns("notes_alembic_version")
    assert not schema.owns("notesextra_x")


def test_a_base_without_a_module_is_refused():
    with pytest.raises(DataError, match="names no module"):

        class Base(Model, DeclarativeBase): ...


@pytest.mark.parametrize("name", ["", "Notes", "note_books", "1x", "a-b"])
def test_a_name_that_would_be_ambiguous_is_refused(name: str):
    with pytest.raises(ModuleError, match="is no name of a module"):
        Module(name)


def test_tables_of_another_name_are_refused():
    class Base(Model, DeclarativeBase, module="notes"): ...

    class Note(Base):
        id: Mapped[str] = id_column("note")

    with pytest.raises(ModuleError, match="does not begin with books_"):
        Module("books", models=Base)


def test_a_relationship_must_say_how_it_loads():
    class Base(Model, DeclarativeBase, module="notes"): ...

    class Author(Base):
        id: Mapped[str] = id_column("author")

    class Note(Base):
        id: Mapped[str] = id_column("note")
        author_id: Mapped[str] = mapped_column(ForeignKey("notes_author.id"))
        author: Mapped[Author] = relationship()

    with pytest.raises(ModuleError, match=r"Note\.author loads when it is first read"):
        Module("notes", models=Base)


def test_a_module_without_tables_has_no_schema():
    assert Module("clockwork", services=[dict]).schema is None
