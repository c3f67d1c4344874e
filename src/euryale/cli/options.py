"""Arguments and options that several commands have."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until it is done, with live progress; or only start it.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether this is meant.")]
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's name.", show_default=False)]
App = Annotated[
    str | None,
    typer.Option(
        "--app",
        envvar="EURYALE_APP",
        metavar="MODULE:ENGINE",
        help="Your own application instead of the platform: where its Engine is, or a function that makes it.",
    ),
]
Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.", show_default=False)]
NewId = Annotated[
    str | None,
    typer.Option(
        "--id",
        metavar="EXECUTION",
        help="The new execution's id: asked for again with it, it is the same one. Default: a new one.",
    ),
]
Environment = Annotated[str, typer.Option("--environment", "-e", help="The environment.")]

PRODUCTION = "production"
