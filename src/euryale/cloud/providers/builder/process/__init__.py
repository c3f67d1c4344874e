"""Builds as processes of this machine, which outlive the platform.

The platform writes a specification and starts a runner; the runner does the work and leaves an outcome; whoever asks
later reads the files. Nothing else passes between the two::

    <root>/pipelines/<pipeline>/
        home/                  HOME of the commands, with the package managers' own caches
        dependencies/<key>/    what an install made, for the next build with the same lockfile
        builds/<name>/         spec.json  runner.json  state.json  result.json  log  work/
    <root>/downloads/          npm's cache, shared by all: npm checks what it takes from it against the lockfile
    <root>/tmp/<hash>/         the temporary files of one build, gone when it has ended
    <root>/slots/              one lock file for each build that may run at a time
    <root>/toolchains/         Node, uv, ...

The runner is the platform's own account; the commands run as an unprivileged one and can write nothing but the work
directory and the caches, so that no repository can forge an outcome.
"""
