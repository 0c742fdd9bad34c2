"""Every family's nets as ONNX files: they answer as PyTorch does, at other batch sizes too, and can be timed."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.deploy.onnx import OnnxExporter
from edgesmith.deploy.parity import check_parity
from edgesmith.devices.measure import Subject, measure
from edgesmith.devices.plan import Plan
from edgesmith.devices.table import get_devices
from edgesmith.recipes.net_forms import deployed
from tests.deploy.models import Model, make_model, noise_pictures

# One of each family, small: the default tests; all names at their own size are among the slow ones.
SMALL = {
    "mobilenet_v1@width=0.25,resolution=64,classes=10": "Conv",
    "mobilenet_v2@width=0.35,resolution=64,classes=10": "Clip",
    "mobilenet_v4_conv_small@width=0.35,resolution=64,classes=10": "Conv",
    "mnasnet_small@resolution=64,classes=10": "Sigmoid",
    "squeezenet_1_1@resolution=65,classes=10": "MaxPool",
    "shufflenet_v1@groups=3,width=0.25,stem=cifar": "Transpose",
    "condensenet_cifar@depth=14": "Gather",
    "shiftresnet@depth=8,expansion=1": "Conv",
    "shiftnet_b@resolution=64,classes=10": "AveragePool",
}
QUICK = Plan(limit_s=1.0)


def export_and_compare(name: str, folder: Path) -> tuple[Model, Path]:
    model = make_model(deployed(find(name)))
    exported = OnnxExporter().export(model.net, model.spec, folder / "model.onnx")
    pictures = [noise_pictures(count, *model.spec.resolution) for count in (1, 3)]
    parity = check_parity(model.net, exported.path, pictures, preprocessing=model.preprocessing)
    assert parity.passed, parity
    # A picture has one best class; of ten thousand pixels some have two that are nearly as good.
    assert parity.top1_agreement >= (1.0 if model.spec.head.task == "classification" else 0.999)
    return model, exported.path


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_net_of_every_family_is_exported_and_timed(name: str, tmp_path: Path) -> None:
    _, path = export_and_compare(name, tmp_path)
    assert SMALL[name] in {node.op_type for node in onnx.load(path).graph.node}
    (latency,) = measure([Subject(name=name, files={"onnx": path})], get_devices("onnxruntime"), plan=QUICK).latency
    assert 0 < latency.low_ms <= latency.ms <= latency.high_ms


REAL_SIDES = [pytest.param(side, marks=pytest.mark.slow) for side in (200, 224, 227)]


@pytest.mark.parametrize("side", [58, 64, 66, 67, *REAL_SIDES])
@pytest.mark.parametrize("name", ["squeezenet_1_0", "squeezenet_1_1"])
def test_case_e9_squeezenets_pools_round_up_as_in_pytorch(name: str, side: int, tmp_path: Path) -> None:
    """Its three pools meet odd and even sizes; Caffe's rule keeps the last column of odd ones."""
    model, path = export_and_compare(f"{name}@resolution={side},classes=5", tmp_path)
    pools = [node for node in onnx.load(path).graph.node if node.op_type == "MaxPool"]
    assert len(pools) == 3
    assert model.spec.resolution == (side, side)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_zoo_name_is_exported(name: str, tmp_path: Path) -> None:
    export_and_compare(name, tmp_path)
