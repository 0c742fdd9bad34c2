from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgesmith.core.errors import MissingExtraError
from edgesmith.core.extras import require


def test_what_is_there_is_imported() -> None:
    assert require("json", extra="train") is json


def test_what_is_missing_names_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"nowhere_to_be_found is not installed; pip install 'edgesmith.web.'"):
        require("nowhere_to_be_found.inner", extra="web")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import another_missing_thing", "another_missing_thing is not installed; pip install 'edgesmith.train.'"),
        (
            "raise RuntimeError('operator torchvision::nms does not exist')",
            "does not import .operator torchvision::nms",
        ),
        (
            "raise OSError('libgomp.so.1: cannot open')",
            "does not import .libgomp.so.1: cannot open.; run: edgesmith doctor",
        ),
        ("raise ImportError", "does not import .ImportError."),
    ],
)
def test_case_c7_packages_that_do_not_import_answer_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    (tmp_path / "broken_package.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MissingExtraError, match=message) as caught:
        require("broken_package", extra="train")
    assert "\n" not in str(caught.value)
