from pathlib import Path

from euryale.cloud.host.procfs import Identity
from euryale.cloud.providers.runtime.process import records
from euryale.cloud.providers.runtime.process.backoff import RestartPolicy
from euryale.cloud.providers.runtime.process.records import Spec, State

SPEC = Spec(
    token="run_1",
    port=21_000,
    words=["/bin/sh", "-c", "exec node ü"],
    directory="/artifact",
    env={"A": "1"},
    uid=None,
    gid=None,
    log="/log",
    masks=["secret"],
    memory=None,
    restart=RestartPolicy(first=0.5),
    timeout=None,
)


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    states = [State("starting", Identity(1, 2, "b")), State("backoff", Identity(1, 2, "b"), Identity(3, 4, "b"), 5, 6)]
    records.write_spec(tmp_path / "spec", SPEC)
    assert records.read_spec(tmp_path / "spec") == SPEC
    for state in states:
        records.write_state(tmp_path / "state", state)
        assert records.read_state(tmp_path / "state") == state
    records.write_stop(tmp_path / "stop", 2.5)
    assert records.read_stop(tmp_path / "stop") == 2.5
    assert sorted(file.name for file in tmp_path.iterdir()) == ["spec", "state", "stop"]


def test_record_is_for_its_owner_alone(tmp_path: Path) -> None:
    records.write_spec(tmp_path / "spec", SPEC)
    assert (tmp_path / "spec").stat().st_mode & 0o777 == 0o600


def test_missing_record_is_none(tmp_path: Path) -> None:
    assert records.read_spec(tmp_path / "missing") is None
    assert records.read_state(tmp_path / "missing" / "state") is None
    assert records.read_stop(tmp_path / "missing") is None
