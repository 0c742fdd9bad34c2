from __future__ import annotations

from pathlib import Path

import pytest

from edgesmith.core.errors import UsageError
from edgesmith.deploy.formats import FORMATS, get_exporter
from edgesmith.runtimes.table import runtime_for


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_is_named_as_its_table_line_and_has_a_runtime(name: str) -> None:
    exporter = get_exporter(name)
    assert exporter.format == name
    if exporter.runs_here:
        assert runtime_for(Path(f"model{exporter.suffix}").suffix).format == name


def test_core_ml_alone_cannot_run_here() -> None:
    assert [name for name, exporter in FORMATS.items() if not exporter.runs_here] == ["coreml"]


def test_unknown_format_names_the_closest() -> None:
    with pytest.raises(UsageError, match="unknown format 'onx'; did you mean 'onnx'"):
        get_exporter("onx")
