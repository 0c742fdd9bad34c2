"""``predict``: what pictures show, by a bundle's file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edgesmith.cli import arguments as arg

if TYPE_CHECKING:
    from edgesmith.deploy.bundle import Bundle
    from edgesmith.runtimes.base import Loaded

_SHARES: Final = 5


def predict(
    model: arg.Model,
    pictures: Annotated[
        list[Path] | None, typer.Argument(help="Pictures, folders or archives, or videos; none with --camera.")
    ] = None,
    *,
    device: Annotated[
        str | None, typer.Option(help="Runtime of this machine that runs the file, such as litert:int8; onnxruntime.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Classes to show for each picture.")] = 5,
    out: Annotated[Path, typer.Option(help="Folder for masks and overlays, where there are any.")] = Path(
        "runs/predict"
    ),
    score: Annotated[float, typer.Option(min=0, max=1, help="Least score of a box, where the bundle detects.")] = 0.5,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Pass over pictures that cannot be read.")] = False,
    camera: Annotated[
        int | None,
        typer.Option(min=0, help="Read this camera, the first is 0, until Ctrl-C; writes camera_overlay.mp4."),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames of a video or camera to read; all by default.")
    ] = None,
    json: arg.Json = False,
) -> None:
    """Classify or segment pictures, or find objects in them, with a bundle or one file of it; needs no PyTorch.

    Example: edgesmith predict runs/fit-flowers picture.jpg
    """
    from edgesmith.cli.terminal import fail, print_json, watch
    from edgesmith.core.config import to_dict
    from edgesmith.core.errors import UsageError
    from edgesmith.deploy.predict import Predictor, predict_files
    from edgesmith.deploy.video import is_video
    from edgesmith.recipes.model_files import device_for, open_file
    from edgesmith.recipes.models import resolve

    resolved = resolve(model)
    bundle, file = resolved.require_home(), resolved.file
    if not pictures and camera is None:
        raise UsageError("predict needs pictures or videos, or --camera 0")
    chosen = device_for(file, device) if file else device or "onnxruntime"
    with watch() as progress:
        loaded = open_file(bundle, chosen, file=file, progress=progress)
    if camera is not None or is_video(pictures):
        _predict_videos(bundle, loaded, pictures, camera=camera, frames=frames, out=out, score=score, json=json)
        return
    assert pictures
    if bundle.manifest.task == "segmentation":
        _predict_masks(bundle, loaded, pictures, out=out, skip_bad=skip_bad, json=json)
        return
    if bundle.manifest.task == "detection":
        _predict_boxes(bundle, loaded, pictures, out=out, score=score, skip_bad=skip_bad, json=json)
        return
    predictor = Predictor.of(bundle, loaded)
    with watch() as progress:
        found = predict_files(
            predictor, pictures, top=top, bad_pictures="skip" if skip_bad else "error", progress=progress
        )
    for problem in found.problems:
        fail(f"passed over: {problem.detail}")
    if json:
        print_json([to_dict(prediction) for prediction in found.pictures])
        return
    for prediction in found.pictures:
        best = ", ".join(f"{each.name} {each.score:.1%}" for each in prediction.classes)
        print(f"{prediction.image}: {best}")


def _predict_videos(
    bundle: Bundle,
    loaded: Loaded,
    videos: list[Path] | None,
    *,
    camera: int | None,
    frames: int | None,
    out: Path,
    score: float,
    json: bool,
) -> None:
    from edgesmith.cli.terminal import print_json, watch
    from edgesmith.core.config import to_dict
    from edgesmith.deploy.picture_files import free_stem
    from edgesmith.deploy.predict_video import annotator, predict_video
    from edgesmith.deploy.video import OpenedFrames, open_camera

    sources = [(open_camera(camera), "camera")] if camera is not None else []
    taken: set[str] = set()
    sources += [(OpenedFrames(str(path)), free_stem(path.stem, taken)) for path in videos or []]
    annotate = annotator(bundle, loaded, least_score=score)
    with watch() as progress:
        found = [
            predict_video(source, annotate, out / f"{stem}_overlay.mp4", most=frames, progress=progress)
            for source, stem in sources
        ]
    if json:
        print_json([to_dict(each) | {"overlay": str(each.overlay)} for each in found])
        return
    for each in found:
        print(
            f"{each.video}: {each.num_frames} frames, {each.frames_per_second:.1f} a second "
            f"({each.answers_per_second:.1f} without reading and writing); {each.overlay}"
        )


def _predict_masks(
    bundle: Bundle, loaded: Loaded, pictures: list[Path], *, out: Path, skip_bad: bool, json: bool
) -> None:
    from edgesmith.cli.terminal import fail, print_json, watch
    from edgesmith.core.config import to_dict
    from edgesmith.deploy.predict_masks import MaskPredictor, predict_masks

    with watch() as progress:
        found = predict_masks(
            MaskPredictor.of(bundle, loaded),
            pictures,
            out=out,
            bad_pictures="skip" if skip_bad else "error",
            progress=progress,
        )
    for problem in found.problems:
        fail(f"passed over: {problem.detail}")
    if json:
        print_json([to_dict(p) | {"mask": str(p.mask), "overlay": str(p.overlay)} for p in found.pictures])
        return
    for prediction in found.pictures:
        seen = ", ".join(f"{name} {share:.0%}" for name, share in list(prediction.shares.items())[:_SHARES])
        print(f"{prediction.image}: {seen}; {prediction.overlay}")


def _predict_boxes(
    bundle: Bundle,
    loaded: Loaded,
    pictures: list[Path],
    *,
    out: Path,
    score: float,
    skip_bad: bool,
    json: bool,
) -> None:
    from edgesmith.cli.terminal import fail, print_json, watch
    from edgesmith.core.config import to_dict
    from edgesmith.deploy.predict_boxes import BoxPredictor, predict_boxes

    with watch() as progress:
        found = predict_boxes(
            BoxPredictor.of(bundle, loaded),
            pictures,
            out=out,
            least_score=score,
            category_ids=bundle.manifest.category_ids,
            bad_pictures="skip" if skip_bad else "error",
            progress=progress,
        )
    for problem in found.problems:
        fail(f"passed over: {problem.detail}")
    if json:
        print_json([to_dict(each) | {"overlay": str(each.overlay)} for each in found.pictures])
        return
    for prediction in found.pictures:
        counts = Counter(box.name for box in prediction.boxes)
        seen = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
        print(f"{prediction.image}: {seen}; {prediction.overlay}")
