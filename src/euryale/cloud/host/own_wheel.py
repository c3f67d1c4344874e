"""A wheel of the platform's own distribution, made from its installed files: no index is asked for it."""

import base64
import hashlib
import importlib.metadata
import os
import tempfile
import zipfile
from pathlib import Path

import euryale

_DISTRIBUTION = "euryale"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_WHEEL = "Wheel-Version: 1.0\nGenerator: euryale\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_LEFT_OUT = frozenset({"__pycache__"})


def own_wheel(directory: Path) -> Path:
    """Return a wheel of this very Euryale, made unless it is there.

    Args:
        directory: Where wheels are kept. Each lies in a directory named for what is in it, so that another one is made
            when the code changed, even under the same version.
    """
    version = importlib.metadata.version(_DISTRIBUTION)
    files = _files(version)
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    wheel = directory / digest.hexdigest()[:16] / f"{_DISTRIBUTION}-{version}-py3-none-any.whl"
    if not wheel.exists():
        wheel.parent.mkdir(parents=True, exist_ok=True)
        _write(wheel, files, f"{_DISTRIBUTION}-{version}.dist-info")
    return wheel


def _files(version: str) -> dict[str, bytes]:
    package = Path(euryale.__file__).parent
    sources = sorted(path for path in package.rglob("*") if path.is_file() and not _LEFT_OUT.intersection(path.parts))
    files = {f"{package.name}/{path.relative_to(package).as_posix()}": path.read_bytes() for path in sources}
    distribution = importlib.metadata.distribution(_DISTRIBUTION)
    metadata = f"{_DISTRIBUTION}-{version}.dist-info"
    for name in ("METADATA", "entry_points.txt"):
        files[f"{metadata}/{name}"] = (distribution.read_text(name) or "").encode()
    files[f"{metadata}/WHEEL"] = _WHEEL.encode()
    return files


def _write(path: Path, files: dict[str, bytes], metadata: str) -> None:
    record = [f"{name},sha256={_hash(content)},{len(content)}" for name, content in files.items()]
    record.append(f"{metadata}/RECORD,,")
    content = {**files, f"{metadata}/RECORD": ("\n".join(record) + "\n").encode()}
    descriptor, partial = tempfile.mkstemp(dir=path.parent, suffix=".new")  # two builds may make it at once
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    Path(partial).chmod(0o644)
    Path(partial).replace(path)


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
