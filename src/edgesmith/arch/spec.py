"""A network as frozen, JSON-able data: blocks, head, classes, resolution."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

from edgesmith.arch.heads.base import Head
from edgesmith.arch.heads.table import HEADS
from edgesmith.arch.kinds.base import Block
from edgesmith.arch.kinds.table import KINDS
from edgesmith.arch.names import Padding
from edgesmith.arch.presets import Preset
from edgesmith.core.config import from_dict
from edgesmith.core.errors import SpecError, UsageError
from edgesmith.core.table import lookup

P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class NetSpec:
    """A whole network. Channel counts are absolute; block 0 is the stem, the last block is the tail convolution.

    Args:
        name: What people call it; no part of any hash.
        family: The publication it belongs to; no part of any hash.
        blocks: The backbone, stem first.
        head: What reads the backbone and answers the task.
        resolution: Height and width of the input in pixels.
        num_classes: Width of the answer.
        padding: How borders are filled.
        preset: Whose norm constants, dropout and initialisation it is built with.
        in_channels: Channels of a picture.
    """

    name: str
    family: str
    blocks: tuple[Block, ...]
    head: Head
    resolution: tuple[int, int] = (224, 224)
    num_classes: int = 1000
    padding: Padding = Padding.SYMMETRIC
    preset: Preset = Preset.TORCHVISION
    in_channels: int = 3

    def __post_init__(self) -> None:
        if not self.blocks:
            raise SpecError(f"{self.name}: a network needs at least one block")
        if self.num_classes < 1:
            raise SpecError(f"{self.name}: num_classes must be at least 1, got {self.num_classes}")
        if len(self.resolution) != 2 or min(self.resolution) < 1:
            raise SpecError(f"{self.name}: a resolution is a height and a width from 1 pixel, got {self.resolution}")
        for tap in self.head.taps:
            if not -len(self.blocks) <= tap.block < len(self.blocks):
                raise SpecError(f"{self.name}: tap on block {tap.block}, but the last is {len(self.blocks) - 1}")

    def with_block(self, index: int, block: Block) -> NetSpec:
        """The same network with another block at ``index``.

        Raises:
            SpecError: There is no such block.
        """
        if not -len(self.blocks) <= index < len(self.blocks):
            raise SpecError(f"{self.name}: there is no block {index}, the last is {len(self.blocks) - 1}")
        blocks = list(self.blocks)
        blocks[index] = block
        return replace(self, blocks=tuple(blocks))

    def with_resolution(self, height: int, width: int | None = None) -> NetSpec:
        """The same network at another input size, square if only ``height`` is given."""
        return replace(self, resolution=(height, height if width is None else width))

    def with_num_classes(self, num_classes: int) -> NetSpec:
        """The same network for another number of classes."""
        return replace(self, num_classes=num_classes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; fields that hold their default are left out of blocks and head."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        data["blocks"] = [_part_to_json(block) for block in self.blocks]
        data["head"] = _part_to_json(self.head)
        data["resolution"] = list(self.resolution)
        data["padding"], data["preset"] = self.padding.value, self.preset.value
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NetSpec:
        """Read what `to_json` wrote.

        Raises:
            SpecError: A key or value is wrong; the message names the block.
        """
        try:
            values = dict(data)
            values["blocks"] = tuple(
                _part_from_json(part, KINDS, what=f"block {index}") for index, part in enumerate(data["blocks"])
            )
            values["head"] = _part_from_json(data["head"], HEADS, what="head")
            values["resolution"] = tuple(data["resolution"])
            values["padding"], values["preset"] = Padding(data["padding"]), Preset(data["preset"])
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SpecError(f"not a network description: {error}") from None


_MODEL_FIELDS: Final = tuple(field.name for field in fields(NetSpec) if field.name not in ("name", "family"))


def spec_hash(spec: NetSpec) -> str:
    """Twelve hex digits for the backbone with its tail convolution, whatever its head, classes and resolution."""
    return _digest(spec, ("blocks", "padding", "preset", "in_channels"))


def model_hash(spec: NetSpec) -> str:
    """Twelve hex digits for the whole model; records of accuracy and latency are kept under it."""
    return _digest(spec, _MODEL_FIELDS)


def _digest(spec: NetSpec, names: Sequence[str]) -> str:
    """Of the fields' JSON, without spaces, in the order of their names."""
    texts = {"blocks": f"[{','.join(map(_part_text, spec.blocks))}]", "head": _part_text(spec.head)}
    for name in names:
        if name not in texts:
            texts[name] = json.dumps(getattr(spec, name), separators=(",", ":"))
    whole = ",".join([f'"{name}":{texts[name]}' for name in sorted(names)])
    return hashlib.sha256(f"{{{whole}}}".encode()).hexdigest()[:12]


@lru_cache(maxsize=65536)
def _part_text(part: Any) -> str:
    return json.dumps(_part_to_json(part), sort_keys=True, separators=(",", ":"))


def _part_to_json(part: Block | Head) -> dict[str, Any]:
    """A block or head with its kind, without the fields that hold their default."""
    shown: dict[str, Any] = _lean(part)
    return {"kind": part.kind} | shown


def _lean(value: Any) -> Any:
    """Plain values; dataclasses at any depth leave out the fields that hold their default."""
    if isinstance(value, tuple):
        return [_lean(item) for item in value]
    if is_dataclass(value):
        shown = (field for field in fields(value) if getattr(value, field.name) != field.default)
        return {field.name: _lean(getattr(value, field.name)) for field in shown}
    return value.value if isinstance(value, StrEnum) else value


def _part_from_json(data: Mapping[str, Any], table: Mapping[str, type[P]], *, what: str) -> P:
    if "kind" not in data:
        raise SpecError(f"{what}: it has no 'kind'; choices: {', '.join(sorted(table))}")
    try:
        kind = lookup(table, data["kind"], what="kind")
        return from_dict(kind, {key: value for key, value in data.items() if key != "kind"})
    except UsageError as error:
        raise SpecError(f"{what}: {error}") from None
