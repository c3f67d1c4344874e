"""A platform's git remote as a process of its own, to be killed by tests.

``python git_push_server.py ROOT PORT``: everybody may do everything; ``on_push`` never returns.
"""

import asyncio
import sys
from pathlib import Path

import uvicorn

from euryale.cloud.providers.source.git.http_app import GitHttpApp
from euryale.cloud.providers.source.git.remote import GitRemotes
from euryale.cloud.providers.source.remotes import Push


async def everybody(*_: object) -> bool:
    return True


def main() -> None:
    root, port = Path(sys.argv[1]), int(sys.argv[2])

    async def hang(push: Push) -> None:
        (root / "on_push_called").write_text(push.id)
        await asyncio.Event().wait()

    app = GitHttpApp(GitRemotes(root / "remotes"), authorize=everybody, on_push=hang)
    uvicorn.run(app, host="127.0.0.1", port=port, lifespan="off", log_level="warning")


if __name__ == "__main__":
    main()
