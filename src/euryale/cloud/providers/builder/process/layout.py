"""Where the files of pipelines and builds lie. Paths only."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from euryale.cloud.providers.builder.names import check_names


@dataclass(frozen=True, slots=True)
class BuildFiles:
    """The files of one build.

    Attributes:
        directory: Its directory; also what marks its processes.
    """

    directory: Path

    @property
    def spec(self) -> Path:
        """What to do; holds secrets, and is deleted by the runner as soon as it is read."""
        return self.directory / "spec.json"

    @property
    def runner(self) -> Path:
        """The runner's identity."""
        return self.directory / "runner.json"

    @property
    def state(self) -> Path:
        """The phase that runs."""
        return self.directory / "state.json"

    @property
    def result(self) -> Path:
        """The outcome, once there is one."""
        return self.directory / "result.json"

    @property
    def ending(self) -> Path:
        """There while the build is being deleted."""
        return self.directory / "ending"

    @property
    def log(self) -> Path:
        """The output, secrets masked."""
        return self.directory / "log"

    @property
    def work(self) -> Path:
        """The checkout, in which the commands run."""
        return self.directory / "work"

    @property
    def temporary(self) -> Path:
        """Temporary files of the commands. The path is short, for it may have to hold a socket (unix(7))."""
        root = self.directory.parents[3]
        return root / "tmp" / hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """The files of one pipeline."""

    directory: Path

    @property
    def home(self) -> Path:
        """HOME of the commands."""
        return self.directory / "home"

    @property
    def dependencies(self) -> Path:
        """What installs made, by key."""
        return self.directory / "dependencies"

    @property
    def builds(self) -> Path:
        """The builds' directories."""
        return self.directory / "builds"


@dataclass(frozen=True, slots=True)
class BuilderFiles:
    """All files of a builder."""

    root: Path

    @property
    def pipelines(self) -> Path:
        """The pipelines' directories."""
        return self.root / "pipelines"

    @property
    def downloads(self) -> Path:
        """The cache of npm."""
        return self.root / "downloads"

    @property
    def slots(self) -> Path:
        """The lock files that bound how many builds run at a time."""
        return self.root / "slots"

    def pipeline(self, pipeline: str) -> PipelineFiles:
        """Return the files of a pipeline.

        Raises:
            PermanentError: If the name is none.
        """
        check_names(pipeline)
        return PipelineFiles(self.pipelines / pipeline)

    def build(self, pipeline: str, name: str) -> BuildFiles:
        """Return the files of a build.

        Raises:
            PermanentError: If a name is none.
        """
        check_names(name)
        return BuildFiles(self.pipeline(pipeline).builds / name)
