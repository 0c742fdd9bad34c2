"""What every runtime must do with files of its format: whole, damaged, missing, and given the wrong pictures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgesmith.core.errors import DeviceError, EdgesmithError, MissingExtraError, UsageError
from edgesmith.deploy.formats import FORMATS
from edgesmith.runtimes.base import Runtime, from_output, model_files, to_input
from edgesmith.runtimes.table import RUNTIMES, runtime_for
from tests.deploy.kind_nets import kind_net
from tests.deploy.models import make_model

IMAGES = np.random.default_rng(0).standard_normal((1, 3, 64, 64), dtype=np.float32)


@pytest.fixture(scope="module", params=list(RUNTIMES))
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Runtime, Path]:
    """A runtime with a file of its format."""
    runtime = RUNTIMES[request.param]
    exporter = FORMATS[runtime.format]
    model = make_model(kind_net("norm"))
    path = tmp_path_factory.mktemp(runtime.name) / f"model{exporter.suffix}"
    exporter.export(model.net, model.spec, path)
    return runtime, path


# Two files open at once, the older closed first; then a signal comes, as with every data loader's worker that ends.
OPEN_AND_SIGNAL = """
import signal, sys
from pathlib import Path
from edgesmith.runtimes.table import RUNTIMES
runtime, path = RUNTIMES[sys.argv[1]], Path(sys.argv[2])
signal.signal(signal.SIGCHLD, lambda *_: None)
older = runtime.load(path)
younger = runtime.load(path)
del older
del younger
signal.raise_signal(signal.SIGCHLD)
"""


def copy_to(folder: Path, runtime: Runtime, path: Path) -> Path:
    for each in model_files(path, runtime.companion_suffixes):
        (folder / each.name).write_bytes(each.read_bytes())
    return folder / path.name


def one_line(runtime: Runtime, path: Path) -> str:
    with pytest.raises(EdgesmithError) as caught:
        runtime.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_it_is_found_by_its_files_suffix_and_has_an_exporter(file: tuple[Runtime, Path]) -> None:
    runtime, path = file
    assert runtime_for(path.suffix) is runtime
    assert FORMATS[runtime.format].companion_suffixes == runtime.companion_suffixes
    assert runtime.version().count(".") >= 2


@pytest.mark.slow
def test_signals_are_handled_after_files_were_closed(file: tuple[Runtime, Path]) -> None:
    runtime, path = file
    command = [sys.executable, "-c", OPEN_AND_SIGNAL, runtime.name, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_threads_do_not_change_the_answer(file: tuple[Runtime, Path]) -> None:
    runtime, path = file
    answers = []
    for threads in (1, 2):
        loaded = runtime.load(path, threads=threads)
        given = to_input(IMAGES, loaded.inputs[0])
        first, second = loaded.run(given), loaded.run_all(given)[0]
        assert np.array_equal(first, second)
        answers.append(from_output(first, loaded.outputs[0]))
    assert answers[0].shape == (1, 5)
    np.testing.assert_allclose(answers[0], answers[1], rtol=0, atol=1e-5)


def test_an_answer_is_not_overwritten_by_the_next_run(file: tuple[Runtime, Path]) -> None:
    runtime, path = file
    loaded = runtime.load(path)
    first = loaded.run(to_input(IMAGES, loaded.inputs[0]))
    kept = first.copy()
    loaded.run(to_input(-IMAGES, loaded.inputs[0]))
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("kept", [0.0, 0.5], ids=["empty", "half"])
def test_a_damaged_file_is_named(file: tuple[Runtime, Path], tmp_path: Path, kept: float) -> None:
    runtime, path = file
    damaged = copy_to(tmp_path, runtime, path)
    content = damaged.read_bytes()
    damaged.write_bytes(content[: int(len(content) * kept)])
    assert damaged.name in one_line(runtime, damaged)


def test_a_missing_file_is_named(file: tuple[Runtime, Path], tmp_path: Path) -> None:
    runtime, path = file
    assert one_line(runtime, tmp_path / path.name) == f"no such model file: {tmp_path / path.name}"


def test_half_of_a_model_is_named(file: tuple[Runtime, Path], tmp_path: Path) -> None:
    runtime, path = file
    copied = copy_to(tmp_path, runtime, path)
    for companion in model_files(copied, runtime.companion_suffixes)[1:]:
        companion.unlink()
        assert one_line(runtime, copied) == f"{copied} needs {companion.name} beside it; copy both files"


@pytest.mark.parametrize("wrong", ["size", "type", "axes"])
def test_pictures_that_do_not_fit_are_told_with_both_shapes(file: tuple[Runtime, Path], wrong: str) -> None:
    runtime, path = file
    loaded = runtime.load(path)
    images = to_input(IMAGES, loaded.inputs[0])
    given = {"size": images[:, :, :32], "type": images.astype(np.float64), "axes": images[0]}[wrong]
    with pytest.raises(DeviceError, match=r"takes float32 \(.*64.*\), got float") as caught:
        loaded.run(np.ascontiguousarray(given))
    assert "\n" not in str(caught.value)
    assert np.isfinite(loaded.run(images)).all(), "and it still runs afterwards"


def test_an_unknown_option_is_told_with_the_choices(file: tuple[Runtime, Path]) -> None:
    runtime, path = file
    with pytest.raises(UsageError, match=f"unknown {runtime.name} option 'speed'"):
        runtime.load(path, options={"speed": "high"})


def test_a_missing_package_is_told_with_its_extra(file: tuple[Runtime, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, path = file
    if runtime.name == "onnxruntime":
        pytest.skip("onnxruntime is part of every install")
    modules = {"litert": "ai_edge_litert", "executorch": "executorch", "openvino": "openvino", "ncnn": "ncnn"}
    package = modules[runtime.name]
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"edgesmith\[{runtime.name}\]") as caught:
        runtime.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("openvino", {"arithmetic": "f64"}, "unknown value of arithmetic 'f64'; .*choices: bf16, f16, f32"),
        ("ncnn", {"bf16": "yes"}, "unknown value of bf16 'yes'; choices: off, on"),
    ],
)
def test_a_wrong_value_is_told_with_the_choices(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RUNTIMES[name].check(options)


def test_openvino_is_kept_from_reporting_home() -> None:
    """Its converter sends events through `openvino_telemetry` wherever that can be imported."""
    code = (
        "from edgesmith.runtimes.openvino import import_openvino; import_openvino();"
        "import sys; from openvino.tools.ovc import telemetry_utils; print(telemetry_utils.tm.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "openvino.tools.ovc.telemetry_stub", done.stderr
