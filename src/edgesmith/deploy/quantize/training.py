"""A net that trains as integers will round it: torchao's fake quantization around the net's own layers.

torchao traces the net, puts fake quantizers into the graph and computes each convolution with the norm folded into its
weights, as it will be in the file. It writes the norms down anew with an epsilon of 1e-5 and a momentum of 0.1, and
neither norms nor dropout follow ``train()`` and ``eval()`` afterwards. So the traced norms and dropouts are replaced by
calls of the net's own modules, and the folded scale gets their epsilon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from edgesmith.core.errors import UsageError
from edgesmith.deploy.converting import converting
from edgesmith.deploy.export_layers import gates_of_tensors_
from edgesmith.deploy.prepare import out_of_place_
from edgesmith.deploy.quantize.base import QuantPlan
from edgesmith.deploy.quantize.executorch import ExecuTorchQuantizer, xnnpack_quantizer
from edgesmith.nn.build import Net

# Shares of a run: weights settle around norms that stand still, then within ranges that do.
NORMS_FROZEN_FROM: Final = 0.75
RANGES_FROZEN_FROM: Final = 0.875
_SMALLEST_GAIN: Final = 1e-6
_NORM = torch.ops.aten.batch_norm.default
_DROPOUT = torch.ops.aten.dropout.default
_COUNT = torch.ops.aten.add_.Tensor
_PLUS = torch.ops.aten.add.Tensor


class FakeQuantNet(nn.Module):
    """A copy of a net whose weights and activations are rounded as in an int8 file, and which can be trained.

    In training, ranges follow the activations and norms the batches; towards the end of a run first the norms stand
    still, then the ranges (`at_`). In evaluation nothing moves.

    Shape: ``(N, 3, H, W)`` -> the net's answers; H and W are the net's own resolution, N is free.

    Args:
        net: A built network with its norms; it is left as it is.
        images: Batches ``(N, 3, H, W)`` that the first ranges come from.
        plan: What stays in float.

    Attributes:
        spec: What the net was built from.

    Raises:
        UsageError: There are no pictures.
        MissingExtraError: torchao or ExecuTorch is not installed.
        ExportError: torchao cannot take the net.
    """

    frozen_norms: Tensor
    frozen_ranges: Tensor

    def __init__(self, net: Net, images: Sequence[Tensor], *, plan: QuantPlan | None = None) -> None:
        super().__init__()
        if not images:
            raise UsageError("quantization needs pictures to find the ranges of activations; there are none")
        ExecuTorchQuantizer().require_tools()
        self.spec = net.spec
        self._keys = tuple(net.state_dict())
        self.graph = _rounded_graph(_plain_copy(net), plan or QuantPlan())
        # Booleans: copies that share a step share them, as they share learned masks.
        self.register_buffer("frozen_norms", torch.tensor(False))
        self.register_buffer("frozen_ranges", torch.tensor(False))
        self._find_ranges(images)
        self.train()

    def forward(self, images: Tensor) -> Tensor:
        """Answers as an int8 file would give them."""
        answers: Tensor = self.graph(images)
        return answers

    def at_(self, share: float) -> None:
        """Go to the stage of a run at a share of it, 0..1; `train` then follows it."""
        self.frozen_norms.fill_(share >= NORMS_FROZEN_FROM)
        self.frozen_ranges.fill_(share >= RANGES_FROZEN_FROM)

    def train(self, mode: bool = True) -> FakeQuantNet:
        """As of any module; what is frozen stays still in training too."""
        super().train(mode)
        if mode and bool(self.frozen_norms):
            for norm in _norms(self.graph):
                norm.eval()
        _switch_(self.graph, observing=mode and not bool(self.frozen_ranges))
        return self

    def float_state(self) -> Mapping[str, Tensor]:
        """The weights and norms by the names that they have in the net: what an int8 file is then made of."""
        mine = self.graph.state_dict()
        return {key: mine[key].detach() for key in self._keys}

    @torch.no_grad()
    def _find_ranges(self, images: Sequence[Tensor]) -> None:
        """The first ranges, and with them the shapes of the observers' buffers, from pictures in evaluation mode."""
        super().train(False)
        _switch_(self.graph, observing=True)
        for batch in images:
            self(batch)


def _plain_copy(net: Net) -> Net:
    """A copy that torchao can trace: nothing works in place, and no norm's gain is a divisor of zero."""
    copy = deepcopy(net).cpu()
    out_of_place_(copy)
    gates_of_tensors_(copy)
    for norm in _norms(copy):
        gain = norm.weight.data
        small = gain.abs() < _SMALLEST_GAIN
        gain[small] = torch.where(gain[small] < 0, -_SMALLEST_GAIN, _SMALLEST_GAIN)
    return copy


def _rounded_graph(net: Net, plan: QuantPlan) -> GraphModule:
    images = torch.zeros(2, net.spec.in_channels, *net.spec.resolution)
    with converting("a net that rounds"):
        from torchao.quantization.pt2e.quantize_pt2e import prepare_qat_pt2e

        dynamic = ({0: torch.export.Dim("batch", min=2)},)
        traced = torch.export.export(net.train(), (images,), dynamic_shapes=dynamic).module()
        prepared: GraphModule = prepare_qat_pt2e(traced, xnnpack_quantizer(plan, training=True))
    for name, part in net.named_children():
        setattr(prepared, name, part)
    _call_own_layers_(prepared)
    _name_once_(prepared)
    for part in _quantizers(prepared):
        if part.is_per_channel:
            # Of weights: no lag behind them, so that the steps are those that every runtime's tool will take.
            part.activation_post_process.averaging_constant = 1.0
    return GraphModule(prepared, prepared.graph)


def _call_own_layers_(module: GraphModule) -> None:
    """Put calls of the module's own norms and dropouts into the places of their traced forms, and mend the scales."""
    graph = module.graph
    for node in list(graph.nodes):
        if node.target == _NORM:
            _call_(module, node, _owner(node.args[3]))
        elif node.target == _DROPOUT:
            _call_(module, node, _layer_of(node))
        elif node.target == _PLUS and _is_attribute(node.args[0], "running_var"):
            node.args = (node.args[0], module.get_submodule(_owner(node.args[0])).eps)
        elif _counts_batches(node) or node.target == "_guards_fn":  # the guards ask for two pictures or more
            graph.erase_node(node)
    graph.eliminate_dead_code()
    graph.lint()
    module.recompile()


def _name_once_(module: GraphModule) -> None:
    """Let every call of a quantizer that several places share name it alike; a state holds it once then."""
    names: dict[nn.Module, str] = {}
    for node in module.graph.nodes:
        if node.op == "call_module":
            node.target = names.setdefault(module.get_submodule(str(node.target)), str(node.target))
    module.recompile()


def _call_(module: GraphModule, node: Node, layer: str) -> None:
    with module.graph.inserting_before(node):
        call = module.graph.call_module(layer, (node.args[0],))
    call.meta = dict(node.meta)
    node.replace_all_uses_with(call)
    module.graph.erase_node(node)


def _counts_batches(node: Node) -> bool:
    """Whether a node does what the norm's own module does too."""
    return node.target == _COUNT and _is_attribute(node.args[0], "num_batches_tracked")


def _owner(attribute: Any) -> str:
    """The layer that a traced tensor belongs to."""
    return str(attribute.target).rpartition(".")[0]


def _layer_of(node: Node) -> str:
    return str(list(node.meta["nn_module_stack"].values())[-1][0])


def _is_attribute(node: Any, name: str) -> bool:
    return isinstance(node, Node) and node.op == "get_attr" and str(node.target).endswith(f".{name}")


def _norms(module: nn.Module) -> Iterator[nn.modules.batchnorm._BatchNorm]:
    return (part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm))


def _switch_(module: nn.Module, *, observing: bool) -> None:
    """Let the ranges of activations follow what is seen, or stand still; those of weights always are the weights'."""
    for part in _quantizers(module):
        part.observer_enabled.fill_(int(observing or part.is_per_channel))


def _quantizers(module: nn.Module) -> Iterator[Any]:
    return (part for part in module.modules() if hasattr(part, "fake_quant_enabled"))
