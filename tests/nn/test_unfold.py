from __future__ import annotations

import torch
from torch import nn

from edgesmith.arch.zoo.names import find
from edgesmith.nn.build import Net, build
from edgesmith.nn.unfold import folded_norms, unfold_norms_
from tests.nn.nets import calibrate, pictures, relative_difference


@torch.no_grad()
def folded() -> Net:
    """A net whose norms were folded into its convolutions, as an importer of such a file makes it."""
    net = calibrate(build(find("mobilenet_v3_small@width=0.35,preset=timm_tf,classes=5")))
    for module in net.modules():
        norm = getattr(module, "norm", None)
        if isinstance(norm, nn.BatchNorm2d):
            mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
            scale = norm.weight / (variance + norm.eps).sqrt()
            conv = module.get_submodule("conv")
            assert isinstance(conv, nn.Conv2d)
            conv.weight.mul_(scale.view(-1, 1, 1, 1))
            norm.bias.sub_(mean * scale)
            norm.weight.fill_(1.0)
            mean.zero_()
            variance.fill_(1 - norm.eps)
    return net.eval()


def test_answers_stay_and_training_begins_where_evaluation_is() -> None:
    net = folded()
    images = pictures(64, 64, count=64)
    with torch.no_grad():
        expected = net(images)
        assert relative_difference(net.train()(images), expected) > 0.3, "batch statistics spoil a folded net"
    net = folded()
    assert unfold_norms_(net, [images[:32], images[32:]]) == len(folded_norms(folded())) > 20
    with torch.no_grad():
        assert relative_difference(net(images), expected) < 1e-4
        assert relative_difference(net.train()(images), expected) < 0.02


def test_a_net_with_norms_of_its_own_is_left_as_it_is() -> None:
    for net in (build(find("mobilenet_v2")), calibrate(build(find("mobilenet_v3_small@width=0.35")))):
        before = {key: value.clone() for key, value in net.state_dict().items()}
        assert unfold_norms_(net, []) == 0
        assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
