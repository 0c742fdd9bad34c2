"""Videos with answers drawn on them, of every task; a camera by a source that is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgesmith.cli.main import run
from edgesmith.core.errors import DataError, DeviceError, MissingExtraError, UsageError
from edgesmith.deploy.bundle import Bundle
from edgesmith.deploy.predict_video import annotator, predict_video
from edgesmith.deploy.video import OpenedFrames, VideoWriter, is_video, open_camera
from edgesmith.runtimes.onnxruntime import OnnxRuntime
from tests.deploy.models import noise_pictures

pytest.importorskip("av", reason="av is not installed")


@dataclass(frozen=True)
class Fake:
    """A camera of ten frames that stops when nobody looks any more."""

    name: str = "camera 0"
    rate: Fraction = Fraction(10)
    total: int | None = None
    stops: bool = False

    def __iter__(self) -> Iterator[Image.Image]:
        for pixels in noise_pictures(10, 72, 97):
            yield Image.fromarray(pixels)
        if self.stops:
            raise KeyboardInterrupt


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    with VideoWriter(tmp_path / "clip.mp4", Fraction(10)) as writer:
        for shade in range(0, 240, 20):
            writer.write(Image.new("RGB", (96, 72), (shade, 128, 255 - shade)))
    return tmp_path / "clip.mp4"


def test_frames_come_back_in_order(clip: Path) -> None:
    frames = OpenedFrames(str(clip))
    assert (float(frames.rate), frames.total) == (10.0, 12)
    reds = [float(np.asarray(image)[..., 0].mean()) for image in frames]
    assert len(reds) == 12
    np.testing.assert_allclose(reds, np.arange(0, 240, 20), atol=8)


def test_videos_of_one_name_get_files_of_their_own(bundle: Bundle, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "north").mkdir()
    other = tmp_path / "north" / clip.name
    other.write_bytes(clip.read_bytes())
    assert run(["predict", str(bundle.folder), str(clip), str(other), "--out", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"clip_overlay.mp4", "clip-2_overlay.mp4"}


def test_a_video_gets_its_answers(bundle: Bundle, clip: Path, tmp_path: Path) -> None:
    found = predict_video(
        OpenedFrames(str(clip)),
        annotator(bundle, OnnxRuntime().load(bundle.path(bundle.manifest.files[0]))),
        tmp_path / "out" / "clip_overlay.mp4",
    )
    assert (found.video, found.num_frames) == (str(clip), 12)
    assert 0 < found.frames_per_second <= found.answers_per_second
    drawn = list(OpenedFrames(str(found.overlay)))
    assert len(drawn) == 12
    corner = np.asarray(drawn[0])[4:12, 4:20]
    assert corner.min() < 60 < 150 < corner.max(), "white letters on black"


@pytest.mark.parametrize(("most", "stops", "count"), [(4, False, 4), (None, False, 10), (None, True, 10)])
def test_a_camera_is_read_until_it_is_enough(tmp_path: Path, most: int | None, stops: bool, count: int) -> None:
    found = predict_video(Fake(stops=stops), lambda image: image, tmp_path / "camera_overlay.mp4", most=most)
    assert found.num_frames == count
    first, *rest = OpenedFrames(str(found.overlay))
    assert first.size == (96, 72), "an odd column is left out"
    assert len(rest) == count - 1


def test_what_is_no_video_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"bad\.mp4 cannot be opened as a video"):
        OpenedFrames(str(tmp_path / "bad.mp4"))
    with pytest.raises(DeviceError, match="camera 77 cannot be opened; the first is 0"):
        open_camera(77)
    with pytest.raises(UsageError, match="videos or pictures, not both"):
        is_video([Path("a.mp4"), Path("b.jpg")])
    assert (is_video([Path("a.MOV")]), is_video([Path("b.jpg")]), is_video(None)) == (True, False, False)


def test_the_missing_extra_is_named(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"av is not installed; pip install 'edgesmith\[video\]'"):
        OpenedFrames(str(clip))
