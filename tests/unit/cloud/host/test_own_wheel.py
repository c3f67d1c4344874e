import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from euryale.cloud.host.own_wheel import own_wheel


def test_holds_the_package_and_its_record(tmp_path: Path) -> None:
    wheel = own_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (record,) = [name for name in names if name.endswith(".dist-info/RECORD")]
        recorded = {line.split(",")[0] for line in archive.read(record).decode().splitlines()}
        assert recorded == set(names)
        assert "euryale/cloud/host/own_wheel.py" in names
        assert not any("__pycache__" in name for name in names)
        assert archive.testzip() is None


def test_is_made_once(tmp_path: Path) -> None:
    wheel = own_wheel(tmp_path)
    made = wheel.stat()
    assert own_wheel(tmp_path) == wheel
    assert wheel.stat() == made


def test_may_be_made_by_several_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        (wheel,) = set(pool.map(own_wheel, [tmp_path] * 4))
    assert list(wheel.parent.iterdir()) == [wheel]


def test_can_be_installed(tmp_path: Path) -> None:
    wheel = own_wheel(tmp_path)
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--target",
        tmp_path / "site",
        wheel,
    ]
    subprocess.run(command, check=True, capture_output=True)
    script = "import euryale.kit.ids as ids; print(ids.__file__)"
    run = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        check=True,
    )
    assert run.stdout.decode().strip() == str(tmp_path / "site/euryale/kit/ids.py")
