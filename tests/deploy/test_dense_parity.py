"""Segmenters and detectors in float, file by file in every runtime, on real pictures: masks and boxes are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgesmith.arch.edits.segmentation import Tail, with_lr_aspp, with_r_aspp, without_upsampling
from edgesmith.arch.heads.lr_aspp import LrAspp
from edgesmith.arch.zoo.names import find
from edgesmith.deploy.answers import enlarge, finisher
from edgesmith.deploy.base import ExportedFile
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.parity import FLOAT_TOLERANCE, check_parity, eager_function, run_pictures
from edgesmith.nn.build import build
from edgesmith.runtimes.table import runtime_for
from edgesmith.tasks.boxes import BoxRule, find_boxes
from tests.deploy.dense_nets import backbone, dense_model, segmenter, sure_detector
from tests.deploy.models import Model

RUN_HERE = [name for name, exporter in FORMATS.items() if exporter.runs_here]
# Two converters take ten seconds or more for the smallest net.
QUICKLY = [pytest.param(name, marks=pytest.mark.slow if name in ("litert", "executorch") else ()) for name in RUN_HERE]
COUNT: Final = 4
SAME_CLASS: Final = 0.9999  # share of the pixels; what is left are ties of rounding

Pictures = NDArray[np.uint8]


def r_aspp() -> Model:
    return dense_model(with_r_aspp(backbone(0, 1, 2, 4, -1).with_num_classes(3), filters=16))


def dilated() -> Model:
    spec = backbone(0, 1, 2, 4, 9, -1).with_num_classes(3)
    return dense_model(with_lr_aspp(spec, filters=16, output_stride=16, tail=Tail.HALVED))


def windowed() -> Model:
    """Windows that fit into the coarse map of 4x6, so that the gate is spread."""
    spec = with_lr_aspp(backbone(0, 1, 2, 4, -1).with_num_classes(3), filters=16, tail=Tail.FULL)
    assert isinstance(spec.head, LrAspp)
    return dense_model(replace(spec, head=replace(spec.head, window=(3, 4), window_stride=(1, 2))))


def whole() -> Model:
    return dense_model(find("lraspp_mobilenet_v3_small@classes=11,resolution=192x256"))


SEGMENTERS: Final[Mapping[str, Callable[[], Model]]] = MappingProxyType(
    {"R-ASPP": r_aspp, "dilated": dilated, "windows": windowed, "V3-Small": whole}
)


def export(model: Model, format_name: str, folder: Path) -> ExportedFile:
    exporter = FORMATS[format_name]
    return exporter.export(model.net, model.spec, folder / f"model{exporter.suffix}")


def crops(files: list[Path], model: Model) -> Pictures:
    """Some of them, as evenly spread as they can be."""
    assert len(files) > COUNT
    made = []
    for path in files[:: len(files) // COUNT][:COUNT]:
        with Image.open(path) as image:
            made.append(model.preprocessing.crop(image.convert("RGB")))
    return np.stack(made)


@pytest.fixture(scope="module")
def streets(shared_dir: Path) -> list[Path]:
    return sorted((shared_dir / "data" / "camvid" / "test" / "images").glob("*.jpg"))


@pytest.fixture(scope="module")
def cells(shared_dir: Path) -> list[Path]:
    return sorted((shared_dir / "data" / "bccd" / "JPEGImages").glob("*.jpg"))


def assert_same_masks(model: Model, format_name: str, pictures: Pictures, folder: Path) -> None:
    file = export(model, format_name, folder)
    parity = check_parity(model.net, file.path, [pictures], preprocessing=model.preprocessing)
    assert parity.relative < FLOAT_TOLERANCE
    assert parity.top1_agreement > SAME_CLASS
    assert parity.num_pictures == COUNT
    classes = eager_function(model.net)(model.preprocessing.normalize(pictures)).argmax(axis=1)
    assert len(np.unique(classes)) > 1, "one class everywhere would compare nothing"


@pytest.mark.parametrize("format_name", QUICKLY)
def test_masks_of_streets_are_pytorchs_in_every_runtime(format_name: str, streets: list[Path], tmp_path: Path) -> None:
    model = segmenter()
    assert_same_masks(model, format_name, crops(streets, model), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize("format_name", RUN_HERE)
def test_masks_of_every_head_are_pytorchs_in_every_runtime(
    format_name: str, name: str, streets: list[Path], tmp_path: Path
) -> None:
    model = SEGMENTERS[name]()
    assert_same_masks(model, format_name, crops(streets, model), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("format_name", RUN_HERE)
def test_masks_without_the_last_resize_are_the_same_after_it(
    format_name: str, streets: list[Path], tmp_path: Path
) -> None:
    """The file answers at the finer tap's size; what `edgesmith predict` does to it gives the network's masks."""
    model = segmenter()
    spec = without_upsampling(model.spec)
    coarse = replace(model, spec=spec, net=build(spec).eval())
    coarse.net.load_state_dict(model.net.state_dict())
    pictures = crops(streets, model)
    file = export(coarse, format_name, tmp_path)
    loaded = runtime_for(file.path.suffix).load(file.path)
    answers = run_pictures(loaded, pictures, preprocessing=model.preprocessing)
    assert answers.shape[2:] == tuple(side // 8 for side in spec.resolution)
    expected = eager_function(model.net)(model.preprocessing.normalize(pictures))
    finished = finisher(spec, loaded.outputs[0])(answers)
    np.testing.assert_allclose(finished, expected, atol=FLOAT_TOLERANCE * np.abs(expected).max())
    assert (finished.argmax(axis=1) == expected.argmax(axis=1)).mean() > SAME_CLASS
    assert np.array_equal(finished, enlarge(answers, spec.resolution, align_corners=True))


@pytest.mark.parametrize("format_name", QUICKLY)
def test_boxes_of_cells_after_suppression_are_pytorchs_in_every_runtime(
    format_name: str, cells: list[Path], tmp_path: Path
) -> None:
    """The file ends at decoded boxes; the suppression that follows is the same numpy for both."""
    model = sure_detector()
    pictures = crops(cells, model)
    file = export(model, format_name, tmp_path)
    parity = check_parity(model.net, file.path, [pictures], preprocessing=model.preprocessing)
    assert (parity.top1_agreement, parity.num_pictures) == (1.0, COUNT)
    assert parity.corners is not None
    assert parity.scores is not None
    assert max(parity.corners, parity.scores) < FLOAT_TOLERANCE
    loaded = runtime_for(file.path.suffix).load(file.path)
    theirs = run_pictures(loaded, pictures, preprocessing=model.preprocessing)
    ours = eager_function(model.net)(model.preprocessing.normalize(pictures))
    for mine, its in zip(ours, theirs, strict=True):
        wanted, found = (find_boxes(answers, BoxRule(least_score=0.3)) for answers in (mine, its))
        assert len(wanted) > 5
        assert found.classes.tolist() == wanted.classes.tolist()
        np.testing.assert_allclose(found.boxes, wanted.boxes, atol=FLOAT_TOLERANCE)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=FLOAT_TOLERANCE)
        nothing = find_boxes(its, BoxRule(least_score=1.0))
        assert len(nothing) == 0
