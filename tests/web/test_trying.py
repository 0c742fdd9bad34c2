"""Pictures put to bundles: the answers are those of `edgesmith predict`, drawn, and nothing stays."""

from __future__ import annotations

import base64
import io
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from edgesmith.arch.zoo.names import find
from edgesmith.data.preprocessing import Preprocessing
from edgesmith.deploy.bundle import Bundle, open_bundle, write_bundle
from edgesmith.deploy.formats import FORMATS
from edgesmith.deploy.predict import Predictor, predict_files
from edgesmith.deploy.predict_boxes import BoxPredictor, predict_boxes
from edgesmith.deploy.predict_masks import MaskPredictor, predict_masks
from edgesmith.nn.build import build
from tests.data.builders import encode
from tests.deploy.models import noise_pictures
from tests.deploy.test_predict_boxes import small_detector
from tests.nn.nets import calibrate
from tests.report.pages import Node, read_page
from tests.web.folders import local_client


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a detector and a segmenter."""
    root = tmp_path_factory.mktemp("dense")
    segmenter = replace(find("lraspp_mobilenet_v3_small@width=0.35,filters=16,resolution=64x96"), num_classes=3)
    detector, net = small_detector()
    for name, task, spec, module, classes in (
        ("detector", "detection", detector, net, ("cat", "dog")),
        ("segmenter", "segmentation", segmenter, calibrate(build(segmenter), size=(64, 96)), ("sky", "road", "car")),
    ):
        file = FORMATS["onnx"].export(module, spec, root / f"{name}.onnx")
        write_bundle(
            root / name,
            name=name,
            task=task,
            spec=spec,
            module=module,
            classes=classes,
            preprocessing=Preprocessing.for_resolution(*spec.resolution).for_whole(),
            files=[(file, None)],
            metrics={},
            provenance={},
        )
    return root


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(noise_pictures(1, 150, 240)[0]).save(tmp_path / "one.png")
    return tmp_path / "one.png"


def ask(client: TestClient, name: str, picture: Path) -> Node:
    answer = client.post(f"/try/{name}", files={"picture": (picture.name, picture.read_bytes())})
    assert answer.status_code == 200, answer.text
    return read_page(answer.text.partition("\n")[2])


def lines_of(page: Node) -> list[tuple[str, float]]:
    (listed,) = page.find("ul", kind="guesses")
    names = [span.text.strip() for span in listed.find("span", kind="guess-name")]
    shares = [float(span.text.removesuffix(" %")) for span in listed.find("span", kind="guess-score")]
    return list(zip(names, shares, strict=True))


def drawn(page: Node) -> Image.Image:
    (image,) = page.by_id("answer").find("img")
    kind, _, content = image.attributes["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def assert_drawn_like(page: Node, overlay: Path) -> None:
    """The picture of the page is the overlay of `edgesmith predict`, as far as JPEG keeps it."""
    stream = io.BytesIO()
    with Image.open(overlay) as image:
        image.convert("RGB").save(stream, "JPEG", quality=88)
    wanted = np.asarray(Image.open(stream), dtype=float)
    assert np.abs(np.asarray(drawn(page), dtype=float) - wanted).mean() < 0.5


def test_classes_are_those_of_predict(client: TestClient, tiny_bundle: Bundle, picture: Path) -> None:
    page = ask(client, "fit-flowers/bundle", picture)
    (wanted,) = predict_files(Predictor.load(tiny_bundle), [picture]).pictures
    assert lines_of(page) == [(each.name, round(100 * each.score, 1)) for each in wanted.classes]
    assert page.by_id("answer").find("h2")[0].text == wanted.classes[0].name
    assert drawn(page).size == (240, 150)


def test_boxes_are_those_of_predict(dense: Path, picture: Path, tmp_path: Path) -> None:
    page = ask(local_client(dense), "detector", picture)
    (wanted,) = predict_boxes(
        BoxPredictor.load(open_bundle(dense / "detector")), [picture], out=tmp_path / "o"
    ).pictures
    assert wanted.boxes
    for name, share in lines_of(page):
        label, _, count = name.partition(" \N{MULTIPLICATION SIGN}")
        scores = [box.score for box in wanted.boxes if box.name == label]
        assert (len(scores), round(100 * max(scores), 1)) == (int(count), share)
    assert_drawn_like(page, wanted.overlay)


def test_masks_are_those_of_predict(dense: Path, picture: Path, tmp_path: Path) -> None:
    page = ask(local_client(dense), "segmenter", picture)
    (wanted,) = predict_masks(
        MaskPredictor.load(open_bundle(dense / "segmenter")), [picture], out=tmp_path / "o"
    ).pictures
    assert lines_of(page) == [(name, round(100 * share, 1)) for name, share in wanted.shares.items()]
    assert_drawn_like(page, wanted.overlay)


def test_large_pictures_are_answered_whole_and_shown_small(dense: Path, tmp_path: Path) -> None:
    Image.fromarray(noise_pictures(1, 1500, 3000)[0]).save(tmp_path / "large.jpg")
    page = ask(local_client(dense), "segmenter", tmp_path / "large.jpg")
    assert drawn(page).size == (1280, 640)
    assert "3000\N{MULTIPLICATION SIGN}1500 pixels" in page.text


def test_pictures_are_upright(client: TestClient, tiny_bundle: Bundle, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise_pictures(1, 60, 100)[0]).save(tmp_path / "turned.jpg", exif=exif)
    assert drawn(ask(client, "fit-flowers/bundle", tmp_path / "turned.jpg")).size == (60, 100)


def test_nothing_stays(served: Path, client: TestClient, picture: Path) -> None:
    before = sorted(served.rglob("*"))
    ask(client, "fit-flowers/bundle", picture)
    assert sorted(served.rglob("*")) == before


def test_the_form_says_when_nothing_was_chosen(client: TestClient) -> None:
    answer = client.post("/try/fit-flowers/bundle", files={"picture": ("", b"")})
    assert answer.status_code == 400
    assert "Choose a picture first." in answer.text


def test_a_picture_of_the_camera_counts_where_no_file_was_chosen(client: TestClient, picture: Path) -> None:
    files = [("picture", ("", b"")), ("picture", ("camera.jpg", picture.read_bytes()))]
    assert 'id="answer"' in client.post("/try/fit-flowers/bundle", files=files).text


def test_a_changed_file_is_not_run(served: Path, tmp_path: Path, picture: Path) -> None:
    shutil.copytree(served / "fit-flowers" / "bundle", tmp_path / "root" / "b")
    (tmp_path / "root" / "b" / "model.onnx").write_bytes(b"other")
    answer = local_client(tmp_path / "root").post("/try/b", files={"picture": ("a.png", picture.read_bytes())})
    assert answer.status_code == 400
    assert re.search(r"model\.onnx is not the file that its bundle recorded", answer.text)


def test_a_picture_is_read_once_whatever_its_name(client: TestClient, tmp_path: Path) -> None:
    content = encode(Image.fromarray(noise_pictures(1, 50, 50)[0]), "PNG")
    for name in ("../../x.png", "x.php", "\u00fc" * 100, "a\n.png"):
        assert client.post("/try/fit-flowers/bundle", files={"picture": (name, content)}).status_code == 200
