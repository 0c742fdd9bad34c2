"""A trained CondenseNet turned into its test-time form: index, grouped convolution and shuffle in place of a mask."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgesmith.arch.edits.condense import condensed
from edgesmith.core.errors import WeightsError
from edgesmith.nn.build import Net, build
from edgesmith.nn.learned_groups import LearnedGroupConv, MaskedMatrix, learned_matrices


def condense(net: Net) -> Net:
    """The net with grouped convolutions in place of learned matrices; it answers the same.

    A net without learned matrices comes back as it is.

    Args:
        net: Trained to the end of its condensing stages.

    Raises:
        WeightsError: A matrix still reads more inputs than it should keep; training was stopped before its half.

    Paper: CondenseNet, section 3.2 (figure 1, right).
    """
    matrices = learned_matrices(net)
    if not matrices:
        return net
    unfinished = sum(matrix.stage < matrix.condensation - 1 for matrix in matrices)
    if unfinished:
        raise WeightsError(
            f"{unfinished} of {len(matrices)} learned group convolutions have not dropped their inputs yet; "
            f"train on, all drops are made by half of the run"
        )
    made = build(condensed(net.spec))
    state = dict(net.state_dict())
    for name, module in net.named_modules():
        if isinstance(module, LearnedGroupConv):
            _convert_(state, name, module)
    made.load_state_dict(state)
    return made.train(net.training)


def _convert_(state: dict[str, Tensor], name: str, module: LearnedGroupConv) -> None:
    """Replace one learned convolution's entries, and those of the norm before it, by the condensed block's."""
    part = name.rpartition(".")[0]
    matrix: MaskedMatrix = module.matrix
    index = matrix.kept_inputs().flatten()
    own = {key: state.pop(key) for key in list(state) if key.startswith(f"{name}.")}
    state[f"{part}.index.index"] = index
    if isinstance(getattr(module, "norm", None), nn.BatchNorm2d):
        _group_(state, part, name, matrix, own)
    else:
        state[f"{name}.linear.weight"] = own[f"{name}.matrix.weight"][:, index]
        state[f"{name}.linear.bias"] = own[f"{name}.matrix.bias"]


def _group_(state: dict[str, Tensor], part: str, name: str, matrix: MaskedMatrix, own: dict[str, Tensor]) -> None:
    """A grouped kernel: its outputs stand group by group, and the shuffle behind it restores their order."""
    kept = matrix.kept_inputs()
    order = torch.arange(matrix.weight.shape[0]).view(-1, matrix.groups).t().flatten()
    rows = [matrix.weight.detach()[group :: matrix.groups, inputs] for group, inputs in enumerate(kept)]
    state[f"{name}.conv.weight"] = torch.cat(rows)[:, :, None, None]
    for key, value in own.items():
        if ".norm." in key:
            state[key] = value[order] if value.dim() else value
    for key in [key for key in state if key.startswith(f"{part}.norm.norm.")]:
        state[key] = state[key][kept.flatten()] if state[key].dim() else state[key]
