"""Random variation of training pictures: torchvision's transforms v2 in an order that is cheap on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from edgesmith.core.errors import UsageError
from edgesmith.core.table import lookup
from edgesmith.data.preprocessing import Preprocessing

_POLICIES: Final[Mapping[str, Callable[[], Callable[[Tensor], Tensor]] | None]] = MappingProxyType(
    {
        "none": None,
        "jitter": None,
        "photometric": None,
        "trivial": v2.TrivialAugmentWide,
        "rand": v2.RandAugment,
        "auto": v2.AutoAugment,
    }
)

_STILL: Final = tuple(name for name, make in _POLICIES.items() if make is None)  # they leave everything where it is
_TRIALS: Final = 10  # for a crop that overlaps enough; torchvision's 40 take longer than a small net's step


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How much training pictures vary.

    Args:
        scale: Share of the picture's area that a random crop takes, lowest and highest, in (0, 1].
        ratio: Width over height of the crop before it is stretched, lowest and highest.
        flip: Probability of a left-right mirror.
        policy: ``none``, ``jitter`` (brightness, contrast, saturation, hue), ``photometric`` (SSD's distortion of
            colours, each part for every other picture), or torchvision's ``trivial``, ``rand`` or ``auto``.
        jitter: Strength of brightness, contrast and saturation: factors are drawn from ``1 - jitter .. 1 + jitter``.
        hue: Strength of the hue shift, 0..0.5; it costs more than the rest together.
        zoom_out: Probability that a picture with boxes is first laid on a larger canvas, which makes its objects
            smaller; SSD's is 0.5.
        zoom_side: Most that a side of the canvas is longer than the picture's; its area grows by the square, and so
            does what the step costs.
        erase: Probability that a rectangle is blanked, after everything else.
        erase_noise: Whether it is filled with noise instead.
        mixup: Alpha of mixup's Beta distribution; 0 for none.
        cutmix: Alpha of cutmix's Beta distribution; 0 for none. With both, each mixed batch draws one of them.
        mix_probability: Probability that a batch is mixed at all.
        repeats: How often a picture is shown in a row, each time varied anew, in epochs that show fewer pictures.
    """

    scale: tuple[float, float] = (0.35, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    policy: str = "jitter"
    jitter: float = 0.3
    hue: float = 0.0
    zoom_out: float = 0.0
    zoom_side: float = 4.0
    erase: float = 0.0
    erase_noise: bool = False
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_probability: float = 1.0
    repeats: int = 1

    def __post_init__(self) -> None:
        lookup(_POLICIES, self.policy, what="augmentation policy")
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise UsageError(f"scale must be two rising shares in (0, 1], got {self.scale}")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise UsageError(f"ratio must be two rising numbers above zero, got {self.ratio}")
        for name in ("flip", "zoom_out", "erase", "mix_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is a probability in [0, 1], got {getattr(self, name)}")
        if not 0 <= self.jitter <= 1 or not 0 <= self.hue <= 0.5:
            raise UsageError(f"jitter is in [0, 1] and hue in [0, 0.5], got {self.jitter} and {self.hue}")
        if self.zoom_side < 1:
            raise UsageError(f"zoom_side is 1 or more, got {self.zoom_side}")
        if self.repeats < 1:
            raise UsageError(f"repeats must be at least 1, got {self.repeats}")
        if min(self.mixup, self.cutmix) < 0:
            raise UsageError(f"mixup and cutmix are 0 or more, got {self.mixup} and {self.cutmix}")


class Augment:
    """One picture through crop, mirror and policy on bytes, then jitter, scaling and erasing on floats.

    Bytes are cropped first, so that everything after sees few pixels; torchvision's colour functions are twice as fast
    on floats as on bytes. Draws come from torch's default generator, as transforms v2 has it: see `seeded`.

    Shape: ``(3, h, w)`` uint8 of any size ``-> (3, height, width)`` float32.

    Args:
        config: How much pictures vary.
        height: Of the result, in pixels.
        width: Of the result, in pixels.
        preprocessing: Gives scale, mean, std and interpolation; its own size is not used.
    """

    def __init__(self, config: AugmentConfig, height: int, width: int, preprocessing: Preprocessing) -> None:
        policy = _POLICIES[config.policy]
        # Where whole pictures are read, they are stretched to the network's shape, and so are crops of them.
        shape = width / height if preprocessing.is_whole else 1.0
        self._places: tuple[Callable[..., Any], ...] = (
            v2.RandomResizedCrop(
                (height, width),
                scale=config.scale,
                ratio=(config.ratio[0] * shape, config.ratio[1] * shape),
                interpolation=v2.InterpolationMode(preprocessing.interpolation),
                antialias=True,
            ),
            v2.RandomHorizontalFlip(config.flip),
        )
        self._policy = None if policy is None else policy()
        self._box_places = v2.Compose(
            [
                *_zooming(config, preprocessing),
                v2.RandomIoUCrop(trials=_TRIALS),
                v2.RandomHorizontalFlip(config.flip),
                v2.Resize(
                    (height, width),
                    interpolation=v2.InterpolationMode(preprocessing.interpolation),
                    antialias=True,
                ),
                # Resizing rounds, and a box that reaches beyond the border by a rounding error would be taken out.
                v2.ClampBoundingBoxes(),
                v2.SanitizeBoundingBoxes(min_size=1.0, labels_getter=lambda parts: parts[2]),
            ]
        )
        self._colours = _colouring(config)
        self._erase = _erasing(config) if config.erase else None
        factor, offset = preprocessing.affine()
        self._factor = torch.from_numpy(factor * np.float32(255)).view(3, 1, 1)
        self._offset = torch.from_numpy(offset).view(3, 1, 1)

    def __call__(self, image: Tensor) -> Tensor:
        """Vary one picture."""
        for transform in self._places:
            image = transform(image)
        return self._values(image if self._policy is None else self._policy(image))

    def with_mask(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Vary one picture and, with it, the mask ``(h, w)`` uint8 over it, whose values stay what they are."""
        pair = (tv_tensors.Image(image), tv_tensors.Mask(mask))
        for transform in self._places:
            pair = transform(*pair)
        return self._values(pair[0].as_subclass(Tensor)), pair[1].as_subclass(Tensor)

    def with_boxes(self, image: Tensor, corners: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vary one picture and, with it, its boxes.

        A picture may be laid on a larger canvas first. Crops overlap with some box by a share that is drawn, as SSD's
        do; boxes whose centre is outside go, and those that are cut to less than a pixel.

        Args:
            image: ``(3, h, w)`` uint8.
            corners: ``(K, 4)`` shares of the picture.
            labels: ``(K,)``.

        Returns:
            The picture, corners as shares of it, and labels of the boxes that are left.
        """
        if not len(corners):  # a crop that must overlap with nothing would be sought for long
            return self(image), corners, labels
        height, width = image.shape[1:]
        scale = torch.tensor([width, height, width, height], dtype=torch.float32)
        boxes = tv_tensors.BoundingBoxes(corners * scale, format="XYXY", canvas_size=(height, width))
        made, found, kept = self._box_places(tv_tensors.Image(image), boxes, labels)
        tall, wide = made.shape[1:]
        shares = found.as_subclass(Tensor) / torch.tensor([wide, tall, wide, tall])
        return self._values(made.as_subclass(Tensor)), shares.clamp(0, 1), kept

    def _values(self, image: Tensor) -> Tensor:
        """Colours, scaling and erasing."""
        values = image.float().mul_(1 / 255)
        if self._colours is not None:
            values = self._colours(values)
        values = (values * self._factor).add_(self._offset)
        return self._erase(values) if self._erase is not None else values


def require_maskable(config: AugmentConfig) -> None:
    """Refuse what would move a picture and not the mask or the boxes over it.

    Raises:
        UsageError: Names the setting.
    """
    if config.policy not in _STILL:
        raise UsageError(
            f"augment.policy must be {', '.join(_STILL[:-1])} or {_STILL[-1]} where pictures have masks or boxes, "
            f"got {config.policy}"
        )
    for name in ("mixup", "cutmix", "erase"):
        if getattr(config, name) > 0:
            value = getattr(config, name)
            raise UsageError(f"augment.{name} must be 0 where pictures have masks or boxes, got {value:g}")


def require_boxless(config: AugmentConfig) -> None:
    """Refuse what only pictures with boxes can have.

    Raises:
        UsageError: Names the setting.
    """
    if config.zoom_out > 0:
        raise UsageError(f"augment.zoom_out must be 0 where pictures have no boxes, got {config.zoom_out:g}")


def _zooming(config: AugmentConfig, preprocessing: Preprocessing) -> list[Callable[..., Any]]:
    """The larger canvas; around the picture stands what scaling turns into zero."""
    if not config.zoom_out:
        return []
    fill = [round(mean / preprocessing.scale) for mean in preprocessing.mean]
    return [v2.RandomZoomOut(fill=fill, side_range=(1.0, config.zoom_side), p=config.zoom_out)]


def _colouring(config: AugmentConfig) -> Callable[[Tensor], Tensor] | None:
    """What changes colours alone, of floats."""
    change: Callable[[Tensor], Tensor] | None = None
    if config.policy == "photometric":
        change = v2.RandomPhotometricDistort()
    elif config.policy == "jitter":
        change = v2.ColorJitter(config.jitter, config.jitter, config.jitter, config.hue)
    return change


def _erasing(config: AugmentConfig) -> v2.RandomErasing:
    """Torchvision draws noise for each pixel where the value is the word ``random``."""
    return v2.RandomErasing(config.erase, value="random" if config.erase_noise else 0, inplace=True)


def build_augment(config: AugmentConfig, height: int, width: int, preprocessing: Preprocessing) -> Augment:
    """The augmentation for one resolution."""
    return Augment(config, height, width, preprocessing)


def mix(
    images: Tensor, targets: Tensor, *, config: AugmentConfig, generator: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Blend each picture of a batch with its neighbour, by mixup or cutmix; any batch of one or more will do.

    Args:
        images: ``(N, 3, H, W)``.
        targets: ``(N, C)`` class probabilities, such as one-hot rows.
        config: Its ``mixup``, ``cutmix`` and ``mix_probability``.
        generator: Decides whether, which and how much.

    Returns:
        Images and targets; the same objects where nothing is mixed.
    """
    choices = [kind(alpha=alpha) for kind, alpha in ((v2.MixUp, config.mixup), (v2.CutMix, config.cutmix)) if alpha > 0]
    if not choices or generator.random() >= config.mix_probability:
        return images, targets
    chosen = choices[int(generator.integers(len(choices)))]
    with seeded(int(generator.integers(2**63 - 1))):
        mixed, blended = chosen(images, targets)
    return mixed, blended


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's default generator under ``seed``, and leave it afterwards as it was found."""
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(state)
