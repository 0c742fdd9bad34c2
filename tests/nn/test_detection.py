"""Detectors as modules: torchvision's answers, anchors and boxes under its weights, and other input sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import ssdlite320_mobilenet_v3_large
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

from edgesmith.arch.anchors import AnchorScheme, make_anchors
from edgesmith.arch.edits.detection import with_decoding
from edgesmith.arch.zoo.names import find
from edgesmith.nn.anchored import decode_offsets, encode_boxes
from edgesmith.nn.build import Net, build
from edgesmith.tasks.boxes import BoxRule, find_boxes
from tests.nn.nets import calibrate, pictures, relative_difference

NAME = "torchvision_ssdlite320_mobilenet_v3_large"
GRIDS = ((20, 20), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1))


@pytest.fixture(scope="module")
def oracle() -> Any:
    """Torchvision's detector with random weights and norms that know some pictures."""
    torch.manual_seed(0)
    model = ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)
    calibrate(nn.Sequential(model.backbone), size=(320, 320))
    with torch.no_grad():  # answers that differ from place to place and class to class
        for name, value in model.head.named_parameters():
            if name.endswith("1.bias") and "0.1" not in name:
                value.normal_(0, 1)
    return model.eval()


def ours(oracle: Any, *, decoded: bool = False) -> Net:
    spec = find(NAME)
    net = build(with_decoding(spec) if decoded else spec).eval()
    net.load_state_dict(renamed(oracle.state_dict(), list(net.state_dict())))
    return net


def renamed(state: dict[str, Tensor], keys: list[str]) -> dict[str, Tensor]:
    """Backbone and extra maps stand in the same order; the answers of one map in turns with ours."""
    ordered = [v for k, v in state.items() if k.startswith("backbone.features")]
    found = dict(zip((k for k in keys if k.startswith("blocks.")), ordered, strict=True))
    extras = [v for k, v in state.items() if k.startswith("backbone.extra")]
    found |= dict(zip((k for k in keys if k.startswith("head.extra")), extras, strict=True))
    for kind, head in (("box", "regression_head"), ("class", "classification_head")):
        theirs = [v for k, v in state.items() if k.startswith(f"head.{head}.")]
        found |= dict(zip((k for k in keys if k.startswith(f"head.{kind}")), theirs, strict=True))
    return found


def test_offsets_and_logits_are_torchvisions(oracle: Any) -> None:
    images = pictures(320, 320)
    with torch.inference_mode():
        made = ours(oracle)(images)
        wanted = oracle.head(list(oracle.backbone(images).values()))
    assert made.shape == (2, 3234, 8 + 91)
    assert relative_difference(made[..., :4], wanted["bbox_regression"]) < 1e-5
    assert relative_difference(made[..., 8:], wanted["cls_logits"]) < 1e-5


def test_anchors_are_torchvisions(oracle: Any) -> None:
    generator = DefaultBoxGenerator([[2, 3] for _ in range(6)], min_ratio=0.2, max_ratio=0.95)
    maps = [torch.zeros(1, 1, *grid) for grid in GRIDS]
    (corners,) = generator(ImageList(torch.zeros(1, 3, 320, 320), [(320, 320)]), maps)
    mine = torch.tensor(make_anchors(AnchorScheme.TORCHVISION, GRIDS, (320, 320)))
    found = torch.cat([mine[:, :2] - mine[:, 2:] / 2, mine[:, :2] + mine[:, 2:] / 2], dim=1) * 320
    torch.testing.assert_close(found, corners, rtol=0, atol=1e-3)


def test_boxes_after_suppression_are_torchvisions(oracle: Any) -> None:
    images = pictures(320, 320)
    oracle.score_thresh, oracle.nms_thresh, oracle.detections_per_img = 0.02, 0.55, 300
    with torch.inference_mode():
        shares = ours(oracle, decoded=True)(images).numpy()
        head = oracle.head(list(oracle.backbone(images).values()))
        anchors = oracle.anchor_generator(ImageList(images, [(320, 320)] * 2), list(oracle.backbone(images).values()))
        wanted = oracle.postprocess_detections(head, anchors, [(320, 320)] * 2)
    for answers, theirs in zip(shares, wanted, strict=True):
        found = find_boxes(answers, BoxRule(least_score=0.02, iou=0.55, per_class=300, most=300))
        assert len(found) == len(theirs["scores"]) > 20
        np.testing.assert_allclose(found.scores, theirs["scores"].numpy(), rtol=1e-4)
        assert found.classes.tolist() == (theirs["labels"] - 1).tolist()
        np.testing.assert_allclose(found.boxes * 320, theirs["boxes"].numpy(), atol=0.05)


def test_case_b9_another_size_has_boxes_of_its_own() -> None:
    spec = find("ssdlite_mobilenet_v3_small@width=0.35,classes=3,resolution=256")
    net = build(spec).eval()
    with torch.inference_mode():
        small, large = net(pictures(256, 256)), net(pictures(320, 192))
    assert small.shape[1] == 3 * 16**2 + 6 * (8**2 + 4**2 + 2**2 + 1 + 1)
    assert large.shape[1] == 3 * 20 * 12 + 6 * (10 * 6 + 5 * 3 + 3 * 2 + 2 * 1 + 1)
    built = build(spec.with_resolution(320, 192)).eval()
    with torch.inference_mode():
        torch.testing.assert_close(built(pictures(320, 192))[..., 4:8], large[..., 4:8])
    assert not any("anchors" in key for key in net.state_dict()), "boxes are no weights"


def test_square_boxes_are_square_on_any_input() -> None:
    boxes = np.array(make_anchors(AnchorScheme.TORCHVISION, ((4, 8),), (128, 256))).reshape(4, 8, 6, 4)
    np.testing.assert_allclose(boxes[..., 0, 2] * 256, boxes[..., 0, 3] * 128, rtol=1e-6)
    np.testing.assert_allclose(boxes[0, 0, 0], [1 / 16, 1 / 8, 0.1, 0.2], rtol=1e-6)


def test_the_first_map_has_tensorflows_three_boxes() -> None:
    boxes = np.array(make_anchors(AnchorScheme.TENSORFLOW, GRIDS, (320, 320)))
    assert len(boxes) == 2034
    root = 2**0.5
    np.testing.assert_allclose(
        boxes[:3, 2:], [[0.1, 0.1], [0.2 * root, 0.2 / root], [0.2 / root, 0.2 * root]], rtol=1e-6
    )


def test_what_is_encoded_decodes_to_itself() -> None:
    random = torch.Generator().manual_seed(0)
    anchors = torch.rand(50, 4, generator=random) * 0.4 + 0.1
    corners = torch.rand(50, 2, 2, generator=random).sort(dim=1).values.flatten(1)
    torch.testing.assert_close(decode_offsets(encode_boxes(corners, anchors), anchors), corners, rtol=0, atol=1e-5)


def test_a_detector_begins_sure_that_nearly_all_is_background() -> None:
    net = build(find("ssdlite_mobilenet_v3_small@width=0.35,classes=3"))
    head: Any = net.head
    assert head.class0.conv.bias.tolist() == [pytest.approx(-4.6)] * 12
    assert not head.box0.conv.bias.any()
    assert 0.02 < float(head.extra1_widen.conv.weight.detach().std()) < 0.04
