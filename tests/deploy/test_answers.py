"""What files leave to others, done as the network does it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgesmith.arch.edits.segmentation import dense_head, without_upsampling
from edgesmith.arch.spec import NetSpec
from edgesmith.arch.zoo.names import find
from edgesmith.deploy.answers import enlarge
from edgesmith.deploy.bundle import Bundle, write_bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.predict_masks import MaskPredictor
from edgesmith.nn.build import Net, build
from edgesmith.recipes.models import preprocessing_of
from edgesmith.recipes.net_forms import as_spec, resize_left
from tests.deploy.models import noise_pictures
from tests.nn.nets import calibrate

PAPERS = "lraspp_mobilenet_v3_small@width=0.35,filters=16,resolution=64x96"


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (13, 29), (7, 12), (1, 1)])
def test_enlarging_is_torchs(size: tuple[int, int], *, align: bool) -> None:
    logits = np.random.default_rng(0).normal(size=(2, 3, 7, 12)).astype(np.float32)
    wanted = torch.nn.functional.interpolate(torch.from_numpy(logits), size=size, mode="bilinear", align_corners=align)
    np.testing.assert_allclose(enlarge(logits, size, align_corners=align), wanted.numpy(), atol=1e-5)


def segmenter(*, align: bool) -> tuple[NetSpec, Net]:
    spec = replace(find(PAPERS), num_classes=3)
    spec = replace(spec, head=replace(dense_head(spec), align_corners=align))
    return spec, calibrate(build(spec), size=spec.resolution)


def write(path: Path, spec: NetSpec, net: Net) -> Bundle:
    """A bundle whose first file has all of the network, and whose second leaves the last resize out."""
    coarse = without_upsampling(spec)
    whole = FORMATS["onnx"].export(net, spec, path / "model.onnx")
    part = FORMATS["onnx"].export(as_spec(net, coarse), coarse, path / "model-coarse.onnx")
    return write_bundle(
        path / "bundle",
        name="segmenter",
        task="segmentation",
        spec=spec,
        module=net,
        classes=("sky", "road", "car"),
        preprocessing=preprocessing_of(spec),
        files=[(whole, None), (replace(part, resize_left=resize_left(coarse)), None)],
        metrics={},
        provenance={},
    )


@pytest.mark.slow
@pytest.mark.parametrize("align", [True, False], ids=["papers", "torchvisions"])
def test_masks_are_equal_with_and_without_the_last_resize(tmp_path: Path, *, align: bool) -> None:
    spec, net = segmenter(align=align)
    bundle = write(tmp_path, spec, net)
    whole, part = bundle.manifest.files
    assert (whole.resize_left, part.resize_left) == ("", "aligned" if align else "half")
    assert part.output is not None
    assert part.output.shape[2:] == (8, 12)
    image = Image.fromarray(noise_pictures(1, 150, 240)[0])
    ours, theirs = (MaskPredictor.load(bundle, file=bundle.path(record)).mask(image) for record in (whole, part))
    assert len(np.unique(ours)) > 1
    assert (ours == theirs).mean() > 0.9999  # ties of rounding
    image.save(tmp_path / "one.png")
    subprocess.run([sys.executable, bundle.folder / part.samples[0], tmp_path / "one.png"], check=True)
    with Image.open(tmp_path / "one_mask.png") as sample:
        np.testing.assert_array_equal(np.asarray(sample), theirs)
