"""Spaces of networks in stages: stem, stages of layers, tail, head. Every point is a legal network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise, product
from operator import mul
from typing import Any

from edgesmith.arch.heads.classifier import Classifier
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.conv import Conv
from edgesmith.arch.space.choices import Choice, Encoding, Need, Space
from edgesmith.arch.space.endings.base import Edit
from edgesmith.arch.space.endings.classification import Classifying
from edgesmith.arch.space.layers import Layer, make_block
from edgesmith.arch.space.parts import Frame, Settings, Stage, shape_of
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.errors import SpecError


class StagedSpace(Space):
    """Networks of a frame and stages."""

    def __init__(self, name: str, frame: Frame, stages: Sequence[Stage]) -> None:
        """Lay out the choices: the frame's, then each stage's width, depth and layers.

        Args:
            name: What people call the space.
            frame: What is around the stages.
            stages: In order.
        """
        self.name, self.frame, self.stages = name, frame, tuple(stages)
        self.ending = frame.ending or Classifying(features=frame.features, activation=frame.activation)
        choices = (*_choices(frame, self.stages), *self.ending.choices)
        super().__init__(choices, needs=dict(_needs(choices, self.stages)))
        names = [choice.name.partition(".")[0] for choice in choices]
        titles = [f"stage{number}" for number in range(1, len(self.stages) + 1)]
        self.places = tuple(slice(names.index(name), names.index(name) + names.count(name)) for name in titles)
        strides = list(accumulate((stage.stride for stage in self.stages), mul, initial=frame.stem_stride))
        self.strides = tuple(pairwise(strides))

    def decode(self, point: Encoding) -> NetSpec:
        """The network of a point, named after the space and its hash."""
        self.check(point)
        chosen = self.values(point)
        frame, channels = self.frame, chosen["stem"]
        blocks: list[Block] = [_stem(frame, channels)]
        for number, places in enumerate(self.places, 1):
            layers, channels = _stage_blocks(self, number, point[places], channels)
            blocks += layers
        if chosen["tail"]:
            blocks.append(_tail(frame, chosen["tail"]))
        spec = NetSpec(
            name=self.name,
            family=frame.family,
            blocks=tuple(blocks),
            head=Classifier(),
            resolution=shape_of(chosen["resolution"]),
            num_classes=frame.num_classes,
            padding=frame.padding,
            preset=frame.preset,
        )
        spec = self.ending.finish(spec, chosen)
        return replace(spec, name=f"{self.name}-{model_hash(spec)[:6]}")

    def layers(self, point: Encoding) -> tuple[tuple[int, int], ...]:
        """For each block of a point's network the number of its stage and its own there; stem 0, tail behind all."""
        chosen = self.values(point)
        found, channels = [(0, 0)], chosen["stem"]
        for number, places in enumerate(self.places, 1):
            blocks, channels = _stage_blocks(self, number, point[places], channels)
            found += [(number, index) for index in range(len(blocks))]
        return (*found, *([(len(self.stages) + 1, 0)] if chosen["tail"] else []))

    def encode(self, spec: NetSpec) -> Encoding:
        """A point that stands for a network; the first where several do.

        Raises:
            SpecError: The network is not in this space; says from which block on.
        """
        outside, furthest = f"{spec.name} is not in space {self.name}", 0
        try:
            frame, endings = self._frame_values(spec), list(self.ending.read(spec))
        except SpecError as error:
            raise SpecError(f"{outside}: {error}") from None
        for ending in endings:
            matcher = _Matcher(self, spec, self.ending.edit(ending))
            stages = matcher.match_all(frame["stem"])
            if stages is not None:
                return self.normal(tuple(self._option(choice, frame | dict(ending), stages) for choice in self.choices))
            furthest = max(furthest, matcher.furthest)
        raise SpecError(f"{outside}: no option fits block {furthest + 1}")

    def contains(self, spec: NetSpec) -> bool:
        """Whether a network is a point of this space."""
        try:
            self.encode(spec)
        except SpecError:
            return False
        return True

    def _option(self, choice: Choice, values: Mapping[str, Any], stages: Mapping[str, int]) -> int:
        """The number of the option that was found for a choice; the first where nothing depends on it."""
        return choice.options.index(values[choice.name]) if choice.name in values else stages.get(choice.name, 0)

    def _frame_values(self, spec: NetSpec) -> dict[str, Any]:
        """What was chosen for stem and resolution.

        Raises:
            SpecError: They, or what the frame fixes, are others; says which.
        """
        frame = self.frame
        stem = next((value for value in frame.stems if _stem(frame, value) == spec.blocks[0]), None)
        side = next((value for value in frame.resolutions if shape_of(value) == spec.resolution), None)
        found = {"stem": (stem, frame.stems), "resolution": (side, frame.resolutions)}
        for name, (value, options) in found.items():
            if value is None:
                raise SpecError(f"its {name} is none of {', '.join(map(str, options))}")
        for name in ("num_classes", "padding", "preset"):
            has, wanted = getattr(spec, name), getattr(frame, name)
            if has != wanted:
                raise SpecError(f"{name} is {has}, not {wanted}")
        return {"stem": stem, "resolution": side}


@lru_cache(maxsize=65536)
def _stage_blocks(space: StagedSpace, number: int, options: Encoding, channels: int) -> tuple[tuple[Block, ...], int]:
    """The blocks of a stage, and the channels behind it. Kept, because points that are alike share most stages."""
    stage, choices = space.stages[number - 1], space.choices[space.places[number - 1]]
    chosen = {choice.name: choice.options[option] for choice, option in zip(choices, options, strict=True)}
    width = chosen[f"stage{number}.width"]
    common = _apply(stage.layer, {name: chosen[f"stage{number}.{name}"] for name in stage.common})
    blocks: list[Block] = []
    for index in range(chosen[f"stage{number}.depth"]):
        layer = _apply(common, {name: chosen[_own(number, index, name)] for name in stage.own})
        block = make_block(layer, channels, width, 1 if index else stage.stride)
        blocks += [] if block is None else [block]
        channels = width
    return tuple(blocks), channels


class _Matcher:
    """Finds options whose layers are given blocks, stage by stage.

    Args:
        space: Whose options.
        spec: Whose blocks.
        edit: What becomes of a block of the space in a network like this one.
    """

    def __init__(self, space: StagedSpace, spec: NetSpec, edit: Edit) -> None:
        self._space, self._stages, self._edit = space, space.stages, edit
        self._blocks, self._last = spec.blocks[1:], spec.blocks[-1]
        self._found: dict[tuple[int, int, int], dict[str, int] | None] = {}
        self.furthest = 0

    def match_all(self, stem: int) -> dict[str, int] | None:
        """Options for all stages and the tail; None if there are none."""
        frame, reached = self._space.frame, self._space.strides[-1][1]
        if frame.tails == (0,):
            return self._match(0, 0, stem)
        for number, channels in enumerate(frame.tails):
            if channels and self._edit(_tail(frame, channels), reached, reached) == self._last:
                self._blocks = self._blocks[:-1]
                found = self._match(0, 0, stem)
                return None if found is None else found | {"tail": number}
        self.furthest = len(self._blocks) - 1
        return None

    def _match(self, stage: int, at: int, channels: int) -> dict[str, int] | None:
        """Options for the stages from ``stage`` on, whose blocks begin at ``at``; None if there are none.

        Many ways lead to the same place, so what was found from there on is kept.
        """
        key = (stage, at, channels)
        if key not in self._found:
            self._found[key] = self._search(stage, at, channels)
        return self._found[key]

    def _search(self, stage: int, at: int, channels: int) -> dict[str, int] | None:
        self.furthest = max(self.furthest, at)
        if stage == len(self._stages):
            return {} if at == len(self._blocks) else None
        here = self._stages[stage]
        for (d, depth), (w, width) in product(enumerate(here.depths), enumerate(here.widths)):
            if depth and not here.may_vanish and self._width(at) != self._shown(stage, width):
                continue
            for common, layer in _variants(here.layer, here.common if depth else {}):
                named = {f"stage{stage + 1}.{name}": option for name, option in common.items()}
                named |= {f"stage{stage + 1}.depth": d, f"stage{stage + 1}.width": w}
                for end, own in self._layers(stage, layer, at, channels, width, left=depth):
                    rest = self._match(stage + 1, end, width if depth else channels)
                    if rest is not None:
                        return named | own | rest
        return None

    def _layers(
        self, stage: int, common: Layer, at: int, channels: int, width: int, *, left: int, index: int = 0
    ) -> Iterator[tuple[int, dict[str, int]]]:
        """Ways to fit the layers from ``index`` on, with the number of the block behind them."""
        if not left:
            yield at, {}
            return
        here = self._stages[stage]
        for options, layer in _variants(common, here.own):
            end = self._step(layer, at, channels, width, stage, index)
            if end is None:
                continue
            self.furthest = max(self.furthest, end)
            named = {_own(stage + 1, index, name): option for name, option in options.items()}
            for last, others in self._layers(stage, common, end, width, width, left=left - 1, index=index + 1):
                yield last, named | others

    def _width(self, at: int) -> int | None:
        return getattr(self._blocks[at], "out_channels", None) if at < len(self._blocks) else None

    def _shown(self, stage: int, width: int) -> int:
        """Channels that a stage's blocks hand on in the whole network."""
        reached = self._space.strides[stage][1]
        return int(getattr(self._edit(_tail(self._space.frame, width), reached, reached), "out_channels", width))

    def _step(self, layer: Layer, at: int, channels: int, width: int, stage: int, index: int) -> int | None:
        """Where the next layer begins if this one fits; None if it does not."""
        before, reached = self._space.strides[stage]
        block = make_block(layer, channels, width, 1 if index else self._stages[stage].stride)
        if block is None:
            return at
        block = self._edit(block, reached if index else before, reached)
        return at + 1 if at < len(self._blocks) and self._blocks[at] == block else None


def _choices(frame: Frame, stages: Sequence[Stage]) -> Iterator[Choice]:
    yield Choice(name="resolution", options=frame.resolutions, ordered=True)
    yield Choice(name="stem", options=frame.stems, ordered=True)
    for number, stage in enumerate(stages, 1):
        yield Choice(name=f"stage{number}.width", options=stage.widths, ordered=True)
        yield Choice(name=f"stage{number}.depth", options=stage.depths, ordered=True)
        named = {f"stage{number}.{name}": options for name, options in stage.common.items()}
        for layer in range(max(stage.depths)):
            named |= {_own(number, layer, name): options for name, options in stage.own.items()}
        for name, options in named.items():
            yield Choice(name=name, options=options, ordered=all(isinstance(option, int | float) for option in options))
    yield Choice(name="tail", options=frame.tails, ordered=True)


def _needs(choices: Sequence[Choice], stages: Sequence[Stage]) -> Iterator[tuple[int, Need]]:
    """What is chosen for layers beyond a stage's depth has no effect."""
    places = {choice.name: place for place, choice in enumerate(choices)}
    for number, stage in enumerate(stages, 1):
        layers = {f"stage{number}.{name}": 1 for name in stage.common}
        layers |= {_own(number, layer, name): layer + 1 for layer in range(max(stage.depths)) for name in stage.own}
        for name, layer in layers.items():
            least = sum(depth < layer for depth in stage.depths)
            if least:
                yield places[name], Need(place=places[f"stage{number}.depth"], least=least)


def _own(number: int, layer: int, choice: str) -> str:
    return f"stage{number}.layer{layer + 1}.{choice}"


def _variants(layer: Layer, choices: Settings) -> Iterator[tuple[dict[str, int], Layer]]:
    """Every combination of options, with the layer that it makes."""
    for numbers in product(*(range(len(options)) for options in choices.values())):
        chosen = dict(zip(choices, numbers, strict=True))
        yield chosen, _apply(layer, {name: choices[name][number] for name, number in chosen.items()})


def _apply(layer: Layer, settings: Mapping[str, Any]) -> Layer:
    changes: dict[str, Any] = {}
    for name, value in settings.items():
        changes |= dict(value) if isinstance(value, Mapping) else {name: value}
    return replace(layer, **changes)


def _stem(frame: Frame, channels: int) -> Conv:
    return Conv(out_channels=channels, kernel_size=3, stride=frame.stem_stride, activation=frame.activation)


def _tail(frame: Frame, channels: int) -> Conv:
    return Conv(out_channels=channels, activation=frame.activation)
