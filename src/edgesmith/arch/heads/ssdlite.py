"""SSDLite: boxes and classes from six maps, by depthwise separable convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from edgesmith.arch.anchors import AnchorScheme, count_anchors
from edgesmith.arch.heads.base import Tap
from edgesmith.arch.map_steps import anchored
from edgesmith.arch.names import Activation, Scores
from edgesmith.arch.presets import Preset
from edgesmith.arch.trace import Trace
from edgesmith.arch.values import Value

_BOX: Final = 4
_PRIOR: Final = -4.6  # a logit of 1 %: at first nearly every box is background


@dataclass(frozen=True, kw_only=True)
class SsdLite:
    """Two taps and four maps made from the last, each answered by a depthwise and a 1x1 convolution.

    Shape: taps of stride 16 and 32, and the picture ``-> (N, A, 8 + 1 + num_classes)``: for each of ``A`` boxes four
    offsets, the box itself (centre, width, height) and the logits, those of the background first. Decoded:
    ``(N, A, 4 + 1 + num_classes)``, corners as shares of the picture, and scores.
    Paper: MobileNetV3, section 6.3; MobileNetV2, section 6.2; TensorFlow's code where they are silent.

    Args:
        extra_channels: Widths of the maps made from the last tap, each of half the size.
        anchors: Whose boxes.
        scores: How logits become scores.
        decoded: Whether answers are corners and scores, as files have them.
        preset: Whose norm constants and first weights it has.
        taps: The map of stride 16, the map of stride 32, the picture.
    """

    kind: ClassVar[str] = "ssdlite"
    task: ClassVar[str] = "detection"
    widths: ClassVar[Mapping[str, int]] = {"extra_channels": 2}

    extra_channels: tuple[int, ...] = (512, 256, 256, 128)
    anchors: AnchorScheme = AnchorScheme.TENSORFLOW
    scores: Scores = Scores.SIGMOID
    decoded: bool = False
    preset: Preset | None = Preset.SSD
    taps: tuple[Tap, ...]

    def trace(self, t: Trace, taps: tuple[Value, ...], num_classes: int) -> tuple[Value, ...]:
        """Run the head over both maps and the picture."""
        *maps, picture = taps
        for number, channels in enumerate(self.extra_channels):
            x = t.conv(maps[-1], channels // 2, name=f"extra{number}_narrow", activation=Activation.RELU6)
            x = t.depthwise(x, name=f"extra{number}_filter", kernel_size=3, stride=2, activation=Activation.RELU6)
            maps.append(t.conv(x, channels, name=f"extra{number}_widen", activation=Activation.RELU6))
        prior = _PRIOR if self.scores is Scores.SIGMOID else 0.0
        answers = []
        for number, (x, count) in enumerate(zip(maps, count_anchors(self.anchors, len(maps)), strict=True)):
            offsets = _answer(t, x, count * _BOX, name=f"box{number}")
            logits = _answer(t, x, count * (1 + num_classes), name=f"class{number}", bias_start=prior)
            answers.append((offsets, logits))
        made = anchored(
            t, answers, picture, name="answers", scheme=self.anchors, scores=self.scores, decoded=self.decoded
        )
        return (made,)


def _answer(t: Trace, x: Value, channels: int, *, name: str, bias_start: float = 0.0) -> Value:
    x = t.depthwise(x, name=f"{name}_filter", kernel_size=3, stride=1, activation=Activation.RELU6)
    return t.conv(x, channels, name=name, activation=Activation.NONE, bias=True, norm=False, bias_start=bias_start)
