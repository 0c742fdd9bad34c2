"""Which zoo net a list of kernels belongs to: files of weights seldom say what network they are of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Final, get_type_hints

from edgesmith.arch.channels import HeadRule, WidthRule
from edgesmith.arch.network import trace_network
from edgesmith.arch.zoo.names import find
from edgesmith.arch.zoo.table import MODELS
from edgesmith.core.errors import WeightsError

Shape = tuple[int, ...]

WIDTHS: Final = (1.0, 0.75, 0.5, 0.35, 0.25, 1.25, 1.3, 1.4, 1.5, 2.0)


def identify(kernels: Sequence[Shape]) -> str:
    """The zoo name, with the options that matter, of the net that has these kernels.

    Args:
        kernels: Shapes of all weights with two axes or more, in forward order: ``(out, in / groups, height, width)``
            or ``(out, in)``. A 1x1 kernel equals a linear layer. The last one's outputs, the classes, may be any.

    Raises:
        WeightsError: No net of the zoo has them; says where the nearest one differs.
    """
    wanted = tuple(squeezed(shape) for shape in kernels)
    best_name, best_agreeing = "", -1
    for name in _names():
        known = kernels_of(name)
        agreeing = _agreeing(wanted, known)
        if agreeing == len(wanted) == len(known):
            return name
        if agreeing > best_agreeing:
            best_name, best_agreeing = name, agreeing
    found = wanted[best_agreeing] if best_agreeing < len(wanted) else "nothing more"
    raise WeightsError(
        f"these {len(wanted)} kernels are of no net of the zoo; {best_name} comes nearest, and differs from kernel "
        f"{best_agreeing} on ({found}); name the net with --model if it has other options"
    )


@cache
def kernels_of(name: str) -> tuple[Shape, ...]:
    """The kernels of a zoo net in forward order, as `identify` compares them."""
    tensors = trace_network(find(name)).tensors().items()
    return tuple(squeezed(t.shape) for key, t in tensors if key.endswith("weight") and len(t.axes) > 1)


def _agreeing(wanted: tuple[Shape, ...], known: tuple[Shape, ...]) -> int:
    """How many kernels agree from the first on; of the last ones, the inputs count."""
    for index, (mine, theirs) in enumerate(zip(wanted, known, strict=False)):
        is_last = index == len(wanted) - 1 == len(known) - 1
        if mine != theirs and not (is_last and mine[1:] == theirs[1:]):
            return index
    return min(len(wanted), len(known))


@cache
def _names() -> tuple[str, ...]:
    """Every variant, those with fewer options first: a file most likely holds one of them, and the rest is not made."""
    return tuple(sorted(_variants(), key=lambda text: text.count("=")))


def _variants() -> Iterator[str]:
    for name, entry in MODELS.items():
        options = get_type_hints(entry.make)
        yield from (f"{name}@{published.options}" for published in entry.published if published.options)
        widths = [f"width={width:g}" if width != 1 else "" for width in WIDTHS] if "width" in options else [""]
        rules = ["", *(f"rule={rule}" for rule in WidthRule)] if "rule" in options else [""]
        heads = ["", *(f"head={head}" for head in HeadRule)] if "head" in options else [""]
        for parts in product(widths, rules, heads):
            text = ",".join(filter(None, parts))
            yield f"{name}@{text}" if text else name


def squeezed(shape: Shape) -> Shape:
    """A 1x1 kernel as the linear layer that it is; others as they are."""
    return shape[:2] if len(shape) == 4 and shape[2:] == (1, 1) else tuple(shape)
