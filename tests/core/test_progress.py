from __future__ import annotations

from edgesmith.core.progress import SILENT


def test_silence_accepts_everything() -> None:
    with SILENT.stage("train", total=10, unit="pictures") as stage:
        stage.advance(3, detail="loss 1.2")
    SILENT.note("done")
