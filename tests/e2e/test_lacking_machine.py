"""What happens when the machine lacks something: a port, or room on its disk."""

import socket
from pathlib import Path

import pytest

from node_app import NodeApp
from platform_process import PlatformProcess

pytestmark = pytest.mark.slow


async def test_a_disk_without_room_refuses_a_build_and_says_how_much_is_needed(
    platform: PlatformProcess, tmp_path: Path
) -> None:
    app = NodeApp(tmp_path / "app")
    app.commit()
    await platform.start(minimum_free_disk=10**15)
    found = await platform.ended(await platform.create("full", str(app.path), key="full"))
    assert found["status"] == "reverted"
    assert "disk" in found["error"]["message"], found["error"]
    assert await platform.audit() == []


@pytest.mark.parametrize("taken", ["port", "http_port"])
async def test_a_taken_port_is_named_and_nothing_is_left_running(platform: PlatformProcess, taken: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        setattr(platform, taken, other.getsockname()[1])
        await platform.start()
        assert not platform.running
    assert str(getattr(platform, taken)) in platform.tail()
