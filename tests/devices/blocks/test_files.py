"""Model files made once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import ExportError, UsageError
from edgesmith.core.files import write_text
from edgesmith.devices.blocks.files import ExportMaker, FileCache, SpecMaker, maker_for


@dataclass
class Maker:
    """Writes names, and fails at the one that it is told to."""

    suffix: str = ".txt"
    version: str = "text-1"
    bad: str = ""
    made: list[str] = field(default_factory=list)

    def __call__(self, spec: NetSpec, path: Path) -> None:
        if spec.name == self.bad:
            raise ExportError(f"cannot write {spec.name}")
        self.made.append(spec.name)
        write_text(path, f"{spec.name} {os.getpid()}")


def specs(count: int) -> list[NetSpec]:
    return [find(f"mobilenet_v3_small@classes={number}") for number in range(2, 2 + count)]


def test_files_are_made_once_and_found_by_the_net(tmp_path: Path) -> None:
    maker = Maker()
    FileCache(tmp_path, maker, processes=1).make(specs(3))
    cache = FileCache(tmp_path, maker, processes=1)
    cache.make([*specs(5), *specs(5)])
    assert maker.made == [spec.name for spec in specs(5)]
    assert cache.path(specs(1)[0]).read_text().startswith("mobilenet_v3_small@classes=2 ")
    assert cache.folder == tmp_path / "text-1"


def test_what_was_made_before_a_failure_is_kept(tmp_path: Path) -> None:
    maker = Maker(bad=specs(5)[3].name)
    cache = FileCache(tmp_path, maker, processes=1)
    with pytest.raises(ExportError, match="cannot write"):
        cache.make(specs(5))
    assert [cache.path(spec).is_file() for spec in specs(5)] == [True, True, True, False, False]


def test_many_files_are_made_side_by_side(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, Maker(), processes=2)
    cache.make(specs(12))
    owners = {cache.path(spec).read_text().split()[-1] for spec in specs(12)}
    assert str(os.getpid()) not in owners
    assert "OMP_NUM_THREADS" in os.environ


def test_a_failure_in_another_process_is_the_same_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot write"):
        FileCache(tmp_path, Maker(bad=specs(12)[0].name), processes=2).make(specs(12))


def test_devices_take_the_files_of_their_format() -> None:
    assert maker_for("torch") == SpecMaker()
    onnx = maker_for("onnx")
    assert (onnx, onnx.suffix) == (ExportMaker(format="onnx"), ".onnx")
    assert onnx.version.startswith("onnx-")
    with pytest.raises(UsageError, match="did you mean 'onnx'"):
        maker_for("onx")
    with pytest.raises(UsageError, match="float32 files, got litert:int8"):
        maker_for("litert:int8")
