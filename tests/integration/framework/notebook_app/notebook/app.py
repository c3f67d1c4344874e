"""The application notebook: the only file that names who provides what."""

from euryale.framework.app import Application, WorkflowSettings
from euryale.framework.config import Settings
from euryale.framework.container import provide
from euryale.framework.data import DatabaseSettings
from euryale.framework.modules import Module
from notebook.api import notes
from notebook.modules.notes.models import Base
from notebook.modules.notes.service import Notes, NoteSettings
from notebook.subscribers.greetings import Mailer, SilentMailer, pass_on, tell_of_note
from notebook.workflows.add_note import add_note


class NotebookSettings(Settings):
    """What can be set."""

    database: DatabaseSettings
    workflows: WorkflowSettings = WorkflowSettings()
    notes: NoteSettings = NoteSettings()


NOTES = Module("notes", services=[Notes], models=Base, settings=NoteSettings)

app = Application(
    "notebook",
    settings=NotebookSettings,
    modules=[NOTES],
    providers=[provide(SilentMailer, as_=Mailer)],
    workflows=[add_note],
    subscribers=[tell_of_note, pass_on],
    routers=[notes.router],
)
