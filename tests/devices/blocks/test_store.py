"""Records that survive what happens to processes and disks."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from edgesmith.arch.spec import model_hash
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import DeviceError
from edgesmith.devices.blocks.levels import Readings
from edgesmith.devices.blocks.store import Purpose, Store

SPEC = find("mobilenet_v3_small")
KEY = model_hash(SPEC)
SETTING = {"device": "fake", "version": "1"}


def filled(path: Path) -> Store:
    store = Store(path, setting=SETTING)
    for log_ms in (0.1, 0.2):
        readings = Readings(contended=log_ms > 0.15, log_ms={KEY: log_ms})
        store.add_session(Purpose.NETS, readings, {KEY: SPEC}, {"load_before": 1.0})
    store.add_session(Purpose.PIECES, Readings(contended=False, log_ms={KEY: 0.3}), {KEY: SPEC}, {})
    store.add_trial({"passed": False})
    store.add_trial({"passed": True})
    return store


def test_what_was_added_is_there_in_another_process(tmp_path: Path) -> None:
    filled(tmp_path / "a" / "blocks.sqlite").close()
    store = Store(tmp_path / "a" / "blocks.sqlite", setting=SETTING)
    assert store.sessions(Purpose.NETS) == [
        Readings(contended=False, log_ms={KEY: 0.1}),
        Readings(contended=True, log_ms={KEY: 0.2}),
    ]
    assert store.sessions(Purpose.PIECES) == [Readings(contended=False, log_ms={KEY: 0.3})]
    assert {key: spec.blocks for key, spec in store.nets().items()} == {KEY: SPEC.blocks}
    assert store.trials() == [{"passed": False}, {"passed": True}]
    store.close()


def test_a_session_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = filled(tmp_path / "blocks.sqlite")
    unknown = Readings(contended=False, log_ms={KEY: 0.1, "other": None})  # type: ignore[dict-item]
    with pytest.raises(DeviceError):
        store.add_session(Purpose.NETS, unknown, {KEY: SPEC, "other": SPEC}, {})
    assert len(store.sessions(Purpose.NETS)) == 2
    store.add_trial({"passed": True})
    store.close()


def test_records_can_be_thrown_away(tmp_path: Path) -> None:
    store = filled(tmp_path / "blocks.sqlite")
    store.forget()
    assert store.sessions(Purpose.NETS) == []
    assert store.trials() == []
    store.close()


def test_a_table_of_another_setting_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "blocks.sqlite").close()
    with pytest.raises(DeviceError, match=r"another setting.*move it away"):
        Store(tmp_path / "blocks.sqlite", setting={"device": "fake", "version": "2"})


@pytest.mark.parametrize("damage", ["text", "cut", "holes"])
def test_a_damaged_file_is_one_line_with_a_way_out(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "blocks.sqlite"
    store = filled(path)
    for index in range(200):
        store.add_trial({"passed": False, "index": index, "padding": "x" * 200})
    store.close()
    content = path.read_bytes()
    if damage == "text":
        path.write_bytes(b"not a database, " * 1000)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:4096] + b"\xff" * 8192 + content[12288:])
    with pytest.raises(DeviceError) as caught:
        Store(path, setting=SETTING).trials()
    text = str(caught.value)
    assert "damaged" in text
    assert f"delete {tmp_path}" in text
    assert "\n" not in text


def test_values_that_nobody_wrote_are_damage_too(tmp_path: Path) -> None:
    path = tmp_path / "blocks.sqlite"
    filled(path).close()
    database = sqlite3.connect(path)
    database.execute("UPDATE trial SET outcome = '{'")
    database.commit()
    database.close()
    store = Store(path, setting=SETTING)
    with pytest.raises(DeviceError, match="damaged"):
        store.trials()
    store.close()


def test_a_file_that_is_in_use_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgesmith.devices.blocks.store._WAIT_S", 0.05)
    path = tmp_path / "blocks.sqlite"
    filled(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DeviceError, match="another run at work"):
        Store(path, setting=SETTING)
    other.close()


def test_the_file_can_be_read_without_edgesmith(tmp_path: Path) -> None:
    filled(tmp_path / "blocks.sqlite").close()
    database = sqlite3.connect(tmp_path / "blocks.sqlite")
    ((spec,),) = database.execute("SELECT spec FROM net").fetchall()
    assert json.loads(spec)["name"] == "mobilenet_v3_small"
    database.close()
