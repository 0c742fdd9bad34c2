"""What goes wrong in training, seen early and said in one line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from edgesmith.core.errors import RunError, UsageError


class DivergedError(RunError):
    """The loss stayed without a finite value; the message names the layer, the checkpoint and what to try.

    Args:
        message: For people.
        kept_step: Of the checkpoint that a run with other settings may go on from; None where there is none.
    """

    def __init__(self, message: str, *, kept_step: int | None) -> None:
        super().__init__(message)
        self.kept_step = kept_step

    def __reduce__(self) -> tuple[object, ...]:
        return _diverged, (str(self), self.kept_step)


def _diverged(message: str, kept_step: int | None) -> DivergedError:
    return DivergedError(message, kept_step=kept_step)


class ChanceWatch:
    """Tells, once, when the loss stays where guessing would leave it.

    Args:
        chance_loss: Mean loss of a net that has learned nothing; None watches nothing.
        first_step: Steps before which nothing is said, the warm-up among them.
        windows: Entries of the loss that must all be at chance.
        closeness: Share of ``chance_loss`` from which a loss counts as chance.
    """

    def __init__(
        self, chance_loss: float | None, *, first_step: int, windows: int = 5, closeness: float = 0.98
    ) -> None:
        self._chance_loss = chance_loss
        self._first_step = first_step
        self._closeness = closeness
        self._recent: deque[float] = deque(maxlen=windows)
        self._told = False

    def see(self, loss: float, *, step: int, learning_rate: float) -> str | None:
        """Take in the mean loss of some steps; the warning, or None.

        Args:
            loss: Mean over the steps since the last call.
            step: Steps done.
            learning_rate: The highest rate of the run, for the advice.
        """
        self._recent.append(loss)
        full = len(self._recent) == self._recent.maxlen
        if self._chance_loss is None or self._told or step < self._first_step or not full:
            return None
        if min(self._recent) < self._closeness * self._chance_loss:
            return None
        self._told = True
        return (
            f"the loss is still {loss:.3f} after {step} steps, and guessing gives {self._chance_loss:.3f}: the net is "
            f"not learning; try --set optim.learning_rate={learning_rate / 10:g}, a longer schedule.warmup_pictures, "
            f"or see whether the labels are right with edgesmith check"
        )


def find_lone_norms(net: nn.Module, resolution: tuple[int, int]) -> tuple[str, ...]:
    """Names of the norms that see a single value a channel when the batch is one picture.

    Args:
        net: Left as it is.
        resolution: Height and width of the picture.
    """
    lone: list[str] = []
    norms: dict[nn.Module, str] = {
        module: name for name, module in net.named_modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)
    }

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].numel() == inputs[0].shape[1]:
            lone.append(norms[module])

    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    was_training, device = net.training, next(net.parameters()).device
    try:
        with torch.inference_mode():
            net.eval()(torch.zeros(1, 3, *resolution, device=device))
    finally:
        net.train(was_training)
        for hook in hooks:
            hook.remove()
    return tuple(lone)


def check_batch_size(lone_norms: Sequence[str], *, largest_batch: int, resolution: tuple[int, int]) -> None:
    """Refuse batches of one where a norm would have nothing to average.

    Args:
        lone_norms: From `find_lone_norms`.
        largest_batch: Pictures of the largest batch of the run.
        resolution: For the message.

    Raises:
        UsageError: Every batch is one picture and a norm sees one value a channel of it.
    """
    if largest_batch > 1 or not lone_norms:
        return
    raise UsageError(
        f"a batch of one picture at {resolution[0]}x{resolution[1]} leaves one value a channel in {lone_norms[0]}, "
        f"and a norm needs two; use --set batch_size=2 or more, more training pictures, or a higher resolution"
    )


@contextmanager
def running_statistics(net: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """Let the named norms use their running statistics: for a lone picture at the end of an epoch."""
    norms = [net.get_submodule(name) for name in names]
    for norm in norms:
        norm.eval()
    try:
        yield
    finally:
        for norm in norms:
            norm.train()


def is_spoiled(net: nn.Module, images: Tensor) -> bool:
    """Whether weights, or what they make of finite pictures, are not finite; a net like that learns nothing any more.

    Args:
        net: Left as it is.
        images: ``(N, 3, H, W)``; those that are not finite say nothing of a net.
    """
    if not all(bool(torch.isfinite(value).all()) for value in net.state_dict().values()):
        return True
    was_training = net.training
    try:
        net.eval()  # norms that learn would keep what they see, and wait for other processes
        return bool(torch.isfinite(images).all()) and _find_bad_activation(net, images) is not None
    finally:
        net.train(was_training)


def find_bad_layer(net: nn.Module, images: Tensor) -> str:
    """Name of the layer where values first stop being finite: a weight, an activation, else a gradient.

    Args:
        net: With the gradients of the failed step; its running statistics may change.
        images: The batch that failed.
    """
    for name, parameter in net.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            return name
    if not bool(torch.isfinite(images).all()):
        return "the input pictures"
    return _find_bad_activation(net, images) or _find_bad_gradient(net) or "the loss"


def _find_bad_activation(net: nn.Module, images: Tensor) -> str | None:
    bad: list[str] = []
    names = {module: name for name, module in net.named_modules() if not list(module.children())}

    def look(module: nn.Module, inputs: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor) and not bool(torch.isfinite(output).all()):
            bad.append(names[module])

    hooks = [module.register_forward_hook(look) for module in names]
    try:
        with torch.no_grad():
            net(images)
    finally:
        for hook in hooks:
            hook.remove()
    return bad[0] if bad else None


def _find_bad_gradient(net: nn.Module) -> str | None:
    """The last such layer in forward order, because gradients go bad from the loss backwards."""
    bad = [n for n, p in net.named_parameters() if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
    return bad[-1] if bad else None
