"""One optimiser update, which either happens whole or leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from edgesmith.engine.batches import Batch
from edgesmith.engine.ema import WeightAverage
from edgesmith.engine.health import check_batch_size, find_lone_norms, running_statistics
from edgesmith.engine.launch import ALONE, launch, quiet, seed_step
from edgesmith.engine.optim import build_optimizer, set_norm_momentum_, set_rate_
from edgesmith.engine.plan import Plan
from edgesmith.engine.replicas import Objective, Replicas, counts_of, share_of
from edgesmith.engine.state import TrainState
from edgesmith.engine.teacher import Teacher
from edgesmith.engine.world import World, find_world
from edgesmith.nn.learned_groups import condense_, group_lasso, learned_matrices
from edgesmith.nn.sync import sync_norms_
from edgesmith.tasks.base import LossSum, Task

if TYPE_CHECKING:
    from lightning.fabric import Fabric


@runtime_checkable
class Staged(Protocol):
    """A net that is another one at the end of a run than at its beginning."""

    def at_(self, share: float, /) -> None:
        """Go to the stage of a run at a share of it, 0..1; called before each step, ahead of ``train()``."""


class Updater:
    """Runs steps on a state; `prepare` makes one.

    A step without a finite loss and gradient is skipped: weights, average, optimiser and the norms' running
    statistics stay as they were before it.

    Args:
        state: Changes in place.
        fabric: Gives the device and runs both passes in the precision asked for.
        task: Gives the loss.
        plan: Gives seed and clipping.
        lone_norms: Norms that use running statistics for a batch of one.
        teacher: Answers the same pictures; None learns from labels alone.
        world: The processes that share each batch; gradients are those of the mean loss over all their pictures.
    """

    def __init__(
        self,
        state: TrainState,
        *,
        fabric: Fabric,
        task: Task,
        plan: Plan,
        lone_norms: tuple[str, ...],
        teacher: Teacher | None = None,
        world: World = ALONE,
    ) -> None:
        self.state, self.world = state, world
        self.device: torch.device = fabric.device
        self.is_mixed: bool = fabric.strategy.precision.precision != "32-true"
        self.is_compiled = plan.config.compile and self.device.type == "cuda"
        self._fabric, self._task, self._lone_norms = fabric, task, lone_norms
        self._plan, self._seed, self._max_grad_norm = plan, plan.config.seed, plan.config.max_grad_norm
        with quiet():
            forward = cast("nn.Module", torch.compile(state.net)) if self.is_compiled else state.net
            self._forward, self._optimizer = fabric.setup(forward, state.optimizer, move_to_device=False)
        self._parameters = [p for p in state.net.parameters() if p.requires_grad]
        self._learned = learned_matrices(state.net)
        self._buffers = list(state.net.buffers())
        self._saved_buffers = [buffer.clone() for buffer in self._buffers]
        self._objective = _objective(task, plan, teacher)
        self._replicas = _replicas(state, fabric, plan, self._objective)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Leave the cores to the replicas: inside, this thread's own operations stay on one.

        Otherwise its idle helpers, which wait for work by spinning, take turns with the replicas.
        """
        before = torch.get_num_threads()
        if self._replicas is not None:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def run(self, batch: Batch, *, rate: float) -> Tensor | None:
        """Do one step.

        Args:
            batch: On any device.
            rate: Learning rate.

        Returns:
            The loss, still on the device; None where the step was skipped. Gradients stay until the next step, for the
            search for a bad layer.
        """
        state = self.state
        share = state.step / self._plan.num_steps
        if isinstance(state.net, Staged):
            state.net.at_(share)
        state.net.train()
        images, targets = self._fabric.to_device((batch.images, batch.targets))
        seed_step(self._seed, state.step, self.device, rank=self.world.rank)
        set_rate_(state.optimizer, rate, backbone=self._plan.backbone_share_at(state.step))
        self._optimizer.zero_grad(set_to_none=True)
        condense_(self._learned, share)
        self._save_buffers()
        loss = self._run_passes(images, targets)
        finite = self._bound_gradients(loss)
        state.step += 1
        if not finite:
            self._skip()
            return None
        self._optimizer.step()
        state.bad_steps_in_a_row = 0
        if state.average is not None:
            state.average.update()
        return loss.detach()

    def _run_passes(self, images: Tensor, targets: Any) -> Tensor:
        """Forward and backward; the mean loss, still on the device."""
        if self._replicas is not None and len(images) > 1:
            return self._replicas.run(images, targets, seed=self._seed, step=self.state.step)
        terms = self._terms(images.contiguous(memory_format=torch.channels_last), targets)
        loss = share_of(terms, self.world.total(counts_of(terms)))
        self._fabric.backward(loss * self.world.size)  # the group takes the mean of its gradients, not their sum
        return self.world.total(loss.detach())

    def _terms(self, images: Tensor, targets: Any) -> Sequence[LossSum]:
        if len(images) > 1 or not self._lone_norms:
            return self._objective(self._forward, images, targets)
        with running_statistics(self.state.net, self._lone_norms):
            return self._objective(self._forward, images, targets)

    def _bound_gradients(self, loss: Tensor) -> bool:
        """Clip, and tell whether loss and gradients are finite; the one wait for the device in a step."""
        state = self.state
        if state.scaler is not None:
            state.scaler.unscale_(state.optimizer)
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self._max_grad_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(self._parameters, self._max_grad_norm, norm)
        return bool(torch.isfinite(norm + loss.detach()))

    def _skip(self) -> None:
        """Undo the forward pass; a scaled run also lowers its scale, and is bad only when that no longer helps."""
        state = self.state
        state.skipped_steps += 1
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._saved_buffers)
        if state.scaler is None or state.scaler.get_scale() <= 1:
            state.bad_steps_in_a_row += 1
        if state.scaler is not None:
            self._optimizer.step()

    @torch.no_grad()
    def _save_buffers(self) -> None:
        if self._buffers:
            torch._foreach_copy_(self._saved_buffers, self._buffers)


def _objective(task: Task, plan: Plan, teacher: Teacher | None) -> Objective:
    """The task's loss, shared with a teacher's; with the regulariser of learned groups where the config asks for it."""
    strength, distill = plan.config.group_lasso, plan.config.distill

    def objective(net: nn.Module, images: Tensor, targets: Any) -> Sequence[LossSum]:
        outputs = net(images)
        learned = task.loss_sum(outputs, targets)
        pictures = learned.total.new_tensor(len(images))
        terms = [learned]
        if teacher is not None:
            taught = task.distill_loss(outputs, teacher(images), temperature=distill.temperature)
            terms = [replace(learned, total=(1 - distill.share) * learned.total)]
            terms.append(LossSum(distill.share * taught * pictures, pictures, of_pictures=True))
        if strength:
            terms.append(LossSum(strength * group_lasso(net) * pictures, pictures, of_pictures=True))
        return terms

    return objective


def _replicas(state: TrainState, fabric: Fabric, plan: Plan, objective: Objective) -> Replicas | None:
    """Threads for the passes where they pay: on a CPU, in full precision."""
    in_threads = fabric.world_size == 1 and fabric.device.type == "cpu" and plan.config.precision in ("auto", "32")
    if plan.config.replicas == 1 or not in_threads:
        return None
    return Replicas(state.net, count=plan.config.replicas, objective=objective)


def prepare(net: nn.Module, task: Task, plan: Plan, *, device: str, teacher: Teacher | None = None) -> Updater:
    """Put a net on its device, with everything that training it needs, before the first step.

    Args:
        net: Changes in place: device, memory layout, norm momentum.
        task: Gives the loss.
        plan: Gives config and sizes.
        device: As in `train`.
        teacher: As in `train`; goes to the same device.

    Raises:
        UsageError: Batches of one picture cannot work with this net, or the precision with this device.
    """
    config, world = plan.config, find_world()
    fabric = launch(device=device, precision=config.precision, world=world)
    net.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    if teacher is not None:
        teacher.to_(fabric.device)
    if world.size > 1 and fabric.device.type == "cuda":
        sync_norms_(net)
    smallest = min(plan.resolutions())
    lone_norms = find_lone_norms(net, smallest)
    check_batch_size(lone_norms, largest_batch=min(config.batch_size, plan.num_images), resolution=smallest)
    if config.norm_momentum is not None:
        set_norm_momentum_(net, config.norm_momentum)
    state = TrainState(
        net=net,
        optimizer=build_optimizer(net, config.optim),
        average=None if config.ema_decay is None else WeightAverage(net, decay=config.ema_decay),
        scaler=getattr(fabric.strategy.precision, "scaler", None),
    )
    return Updater(state, fabric=fabric, task=task, plan=plan, lone_norms=lone_norms, teacher=teacher, world=world)
