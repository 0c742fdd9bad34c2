"""A served folder with something of everything, made once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.onnx import OnnxExporter
from edgesmith.deploy.parity import check_parity
from edgesmith.web.scan import JOBS_NAME
from tests.data.builders import write_pictures, zip_folder
from tests.deploy.models import make_model, noise_pictures, tiny_spec, write_tiny_bundle
from tests.web.folders import JOB, local_client, make_old, write_fit, write_job, write_training


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A classifier of five classes at 48x40 pixels, with a latency."""
    folder = tmp_path_factory.mktemp("tiny")
    model = make_model(tiny_spec())
    file = OnnxExporter().export(model.net, model.spec, folder / "model.onnx")
    parity = check_parity(model.net, file.path, [noise_pictures(4, 48, 40)], preprocessing=model.preprocessing)
    bundle = write_tiny_bundle(folder / "bundle", model, file, parity)
    record = {"name": "tiny", "device": "onnxruntime", "ms": 1.17, "low_ms": 1.15, "high_ms": 1.2, "p90_ms": 1.3}
    return bundle.add_latency([record])


@pytest.fixture(scope="session")
def served(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that are finished, on their way, stopped and damaged; bundles; an archive of pictures."""
    root = tmp_path_factory.mktemp("served")
    spec = replace(tiny_bundle.manifest.spec, name="tiny")
    write_fit(root / "fit-flowers", spec)
    shutil.copytree(tiny_bundle.folder, root / "fit-flowers" / "bundle")
    shutil.copytree(tiny_bundle.folder, root / "imported" / "tiny & co")
    write_training(root / "train-now")
    write_training(root / "train-then")
    make_old(root / "train-then")
    (root / "broken").mkdir()
    (root / "broken" / "run.json").write_text("{")
    pictures = write_pictures(root.parent / "pictures", {"train/a": 6, "train/b": 6, "val/a": 2, "val/b": 2})
    zip_folder(pictures, root / "two.zip")
    return root


@pytest.fixture(scope="session")
def shown(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same folder with a job that is over, for tests that look at pages."""
    root = tmp_path_factory.mktemp("shown") / "runs"
    shutil.copytree(served, root, symlinks=True, ignore=shutil.ignore_patterns(JOBS_NAME))
    write_job(root, JOB)
    return root


@pytest.fixture
def client(served: Path) -> TestClient:
    """A browser of this machine; the run on its way is fresh however slow the tests before were."""
    (served / "train-now" / "events.jsonl").touch()
    return local_client(served)
