"""Somebody's weights as a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgesmith.arch.zoo.names import find
from edgesmith.core.errors import RunError, UsageError, WeightsError
from edgesmith.data import dataset as datasets
from edgesmith.data.evaluation import crop_pictures
from edgesmith.deploy.bundle import load_module, open_bundle
from edgesmith.deploy.parity import check_parity
from edgesmith.nn.build import build
from edgesmith.recipes.imports import import_weights
from edgesmith.weights.imported import Imported, Range
from tests.nn.nets import calibrate

SPEC = find("mobilenet_v3_small@width=0.35,classes=3,resolution=64")


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.pth"
    torch.save({"state_dict": calibrate(build(SPEC)).state_dict()}, path)
    return path


def test_a_state_dict_becomes_a_bundle(state_file: Path, tmp_path: Path) -> None:
    done = import_weights(str(state_file), out=tmp_path / "bundle", model="mobilenet_v3_small@width=0.35,resolution=64")
    bundle = open_bundle(tmp_path / "bundle")
    assert (bundle.manifest.spec.num_classes, bundle.manifest.classes) == (3, ("0", "1", "2"))
    assert done["parity"]["passed"]
    assert done["parity"]["pictures"] == "noise"
    held = torch.load(state_file, weights_only=True)["state_dict"]
    assert all(torch.equal(value, held[key]) for key, value in load_module(bundle).state_dict().items())
    assert bundle.manifest.provenance["source"] == "theirs.pth"


def test_the_net_is_recognised_by_its_kernels(state_file: Path, tmp_path: Path) -> None:
    done = import_weights(str(state_file), out=tmp_path / "bundle")
    assert done["parameters"] == sum(p.numel() for p in build(SPEC).parameters())


@pytest.mark.slow
def test_names_for_the_classes(state_file: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("background\ncat\ndog\ncat\n")
    import_weights(str(state_file), out=tmp_path / "bundle", labels=tmp_path / "names.txt")
    assert open_bundle(tmp_path / "bundle").manifest.classes == ("cat (0)", "dog", "cat (2)")
    (tmp_path / "names.txt").write_text("cat\n")
    with pytest.raises(UsageError, match=r"names\.txt has 1 lines, and the network answers 3 classes"):
        import_weights(str(state_file), out=tmp_path / "other", labels=tmp_path / "names.txt")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_an_earlier_bundle_is_kept(state_file: Path, tmp_path: Path) -> None:
    import_weights(str(state_file), out=tmp_path / "bundle")
    with pytest.raises(RunError, match="holds a bundle; add --overwrite"):
        import_weights(str(state_file), out=tmp_path / "bundle")
    import_weights(str(state_file), out=tmp_path / "bundle", overwrite=True)


def test_case_m10_a_foreign_model_is_never_loaded_as_nothing(tmp_path: Path) -> None:
    torch.save({"a.weight": torch.zeros(4, 4)}, tmp_path / "foreign.pth")
    with pytest.raises(WeightsError, match="these 1 kernels are of no net of the zoo"):
        import_weights(str(tmp_path / "foreign.pth"), out=tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_ranges_are_kept_in_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = calibrate(build(SPEC))
    from edgesmith.recipes.models import preprocessing_of

    imported = Imported(
        name="quantized",
        spec=SPEC,
        state=net.state_dict(),
        preprocessing=preprocessing_of(SPEC),
        ranges={"blocks.3.expand": Range(low=0.0, high=6.0, step=0.0235)},
    )
    monkeypatch.setattr("edgesmith.recipes.imports.read_source", lambda *_, **__: imported)
    import_weights("theirs.tflite", out=tmp_path / "bundle")
    kept = open_bundle(tmp_path / "bundle").manifest.ranges
    assert kept == {"blocks.3.expand": {"low": 0.0, "high": 6.0, "step": 0.0235}}


@pytest.mark.bench
@pytest.mark.parametrize("file", ["v3-small_224_1.0_uint8.tflite", "v3-large-minimalistic_224_1.0_uint8.tflite"])
def test_exported_and_eager_name_the_same_class_on_a_thousand_pictures(
    file: str, shared_dir: Path, tmp_path: Path
) -> None:
    import_weights(str(shared_dir / "data" / "mobilenet-weights" / file), out=tmp_path / "bundle")
    bundle = open_bundle(tmp_path / "bundle")
    dataset = datasets.open(shared_dir / "data" / "imagenet-sample-1k")
    crops = crop_pictures(dataset, dataset.samples("val"), bundle.manifest.preprocessing)
    path, net = bundle.path(bundle.manifest.file()), load_module(bundle)
    parity = check_parity(net, path, [crops.images], preprocessing=bundle.manifest.preprocessing)
    assert parity.num_pictures == 1000
    assert parity.top1_agreement >= 0.999
