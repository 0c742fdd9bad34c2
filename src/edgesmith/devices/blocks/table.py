"""A device's block table: the latency of networks that nobody timed, from pieces that somebody did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from edgesmith.arch.cost import Counted, count_parts
from edgesmith.arch.spec import NetSpec, model_hash
from edgesmith.core.errors import DeviceError
from edgesmith.devices.blocks.calibrate import Calibration, Prediction, Sum
from edgesmith.devices.blocks.sandwich import Piece, piece_at, pieces_of

Learn = Callable[[Sequence[Piece]], Mapping[str, float]]
# A counted part is kept beside its figures: while it lives, nothing else has its identity.
_Known = dict[int, tuple[Counted, float]]


class BlockTable:
    """Adds up what a network's pieces take, and corrects the sum as whole networks have taught.

    Counting keeps one object for each block and input shape, and the table knows pieces by these objects; so a
    prediction hashes each block once and looks everything else up.

    Args:
        levels_ms: Milliseconds of the small nets that hold the pieces, and of those that do not, by model hash.
        calibration: From sums to latencies.
        learn: Times pieces and returns the new ``levels_ms``; None makes an unknown piece an error.
    """

    def __init__(self, levels_ms: Mapping[str, float], calibration: Calibration, *, learn: Learn | None = None) -> None:
        self.calibration = calibration
        self._levels_ms = levels_ms
        self._learn = learn
        self._stems: _Known = {}
        self._blocks: _Known = {}
        self._heads: _Known = {}

    def predict(self, spec: NetSpec) -> Prediction:
        """The network's latency on the device; pieces that were never timed are timed now.

        Raises:
            SpecError: A block is not legal where it stands.
            DeviceError: A piece was never timed and cannot be timed here; names it.
        """
        return self.calibration.predict(self.add_up(spec))

    def add_up(self, spec: NetSpec) -> Sum:
        """What the network's pieces take together; see `predict`."""
        parts, head = count_parts(spec)
        try:
            return self._lookups(parts, head)
        except KeyError:
            self._find(spec, parts, head)
            return self._lookups(parts, head)

    def breakdown(self, spec: NetSpec) -> tuple[float, ...]:
        """Milliseconds of stem, blocks and head; with the calibration's ``fixed_ms`` they add up to the prediction."""
        total = self.add_up(spec)
        parts, head = count_parts(spec)
        fit = self.calibration
        *_, block_spill, head_spill = total.terms(fit.fits_millions)
        block_rate = fit.ms_per_million + fit.ms_per_block_million * block_spill / max(total.block_millions, 1e-9)
        head_rate = fit.ms_per_million + fit.ms_per_head_million * head_spill / max(total.head_millions, 1e-9)
        rates = [block_rate / 1e6] * len(parts) + [head_rate / 1e6]
        return tuple(
            fit.slope * self._piece_ms(piece) + rate * part.cost.parameters
            for piece, rate, part in zip(pieces_of(spec), rates, (*parts, head), strict=True)
        )

    def missing(self, specs: Iterable[NetSpec]) -> tuple[Piece, ...]:
        """Pieces of the networks that were never timed."""
        looked_at: dict[tuple[int, int], Counted] = {}
        pieces: dict[str, Piece] = {}
        for spec in specs:
            parts, head = count_parts(spec)
            for index, part, known in self._places(parts, head):
                place = (id(known), id(part))
                if place in looked_at or id(part) in known:
                    continue
                looked_at[place] = part
                piece = piece_at(spec, parts, index)
                if not self._is_known(piece):
                    pieces[piece.key] = piece
        return tuple(pieces.values())

    def learn(self, specs: Iterable[NetSpec]) -> None:
        """Time what is missing for these networks, all in one go.

        Raises:
            DeviceError: There is nothing to time with.
        """
        pieces = self.missing(specs)
        if not pieces:
            return
        if self._learn is None:
            raise DeviceError(
                f"the block table has no {pieces[0].kind} as {pieces[0].role.value} on this input "
                f"({len(pieces)} pieces are missing); load the table with its device to time them"
            )
        self._levels_ms = self._learn(pieces)
        self._stems, self._blocks, self._heads = {}, {}, {}

    def _lookups(self, parts: Sequence[Counted], head: Counted) -> Sum:
        blocks = self._blocks
        stem = parts[0]
        ms = self._stems[id(stem)][1] + self._heads[id(head)][1]
        weights = stem.cost.parameters
        for part in parts[1:]:
            ms += blocks[id(part)][1]
            weights += part.cost.parameters
        return Sum(ms=ms, block_millions=weights / 1e6, head_millions=head.cost.parameters / 1e6)

    def _find(self, spec: NetSpec, parts: Sequence[Counted], head: Counted) -> None:
        """Look up, or time, every piece of a network by its hash."""
        self.learn([spec])
        for index, part, known in self._places(parts, head):
            if id(part) not in known:
                known[id(part)] = (part, self._piece_ms(piece_at(spec, parts, index)))

    def _places(self, parts: Sequence[Counted], head: Counted) -> Iterator[tuple[int, Counted, _Known]]:
        """Index and counted part of each piece, and where such pieces are kept."""
        yield 0, parts[0], self._stems
        for index in range(1, len(parts)):
            yield index, parts[index], self._blocks
        yield len(parts), head, self._heads

    def _is_known(self, piece: Piece) -> bool:
        return piece.key in self._levels_ms and (piece.base is None or model_hash(piece.base) in self._levels_ms)

    def _piece_ms(self, piece: Piece) -> float:
        own = self._levels_ms[piece.key]
        return own if piece.base is None else own - self._levels_ms[model_hash(piece.base)]
