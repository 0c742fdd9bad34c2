"""Bundles: the list, one of them, and its files to take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from edgesmith.arch.cost import count_total
from edgesmith.core.errors import EdgesmithError
from edgesmith.core.files import size_of
from edgesmith.deploy.bundle import CARD_NAME, Bundle, open_bundle
from edgesmith.recipes.net_blocks import list_blocks
from edgesmith.report.block_plot import show_blocks
from edgesmith.report.content import Latency
from edgesmith.report.markup import Html
from edgesmith.report.page import place_section
from edgesmith.report.sections import Section
from edgesmith.tasks.figures import figure_of
from edgesmith.web.bundle_files import find_file, list_names, pack
from edgesmith.web.markdown import render_markdown
from edgesmith.web.records import latency_of, number_of
from edgesmith.web.render import render
from edgesmith.web.scan import find_bundles
from edgesmith.web.state import require_bundle, root_of

router = APIRouter()

_MOST_CARD_BYTES = 200_000


@dataclass(frozen=True, kw_only=True)
class BundleView:
    """A bundle as pages show it.

    Attributes:
        name: Its path below the served folder.
        accuracy: Value and ends of the interval of its main figure, with the figure's label; None where not scored.
        latency: The newest of each device.
        num_images: That the accuracy is of; None where that is not recorded.
    """

    name: str
    bundle: Bundle
    accuracy: tuple[str, float, float | None, float | None] | None
    latency: tuple[Latency, ...]
    num_images: int | None
    parameters: int
    madds: int

    @property
    def title(self) -> str:
        """What people call the model."""
        return self.bundle.manifest.name


def view_bundle(name: str, bundle: Bundle) -> BundleView:
    """What pages say of a bundle."""
    manifest = bundle.manifest
    figure, metrics = figure_of(manifest.metrics), manifest.metrics
    accuracy = None
    if figure is not None:
        low, high = (number_of(metrics.get(f"{figure.key}_{end}")) for end in ("low", "high"))
        accuracy = (figure.label, float(metrics[figure.key]), low, high)
    newest = {each.device: each for record in manifest.latency if (each := latency_of(record))}
    num_images = number_of(metrics.get("num_images"))
    cost = count_total(manifest.spec)
    return BundleView(
        name=name,
        bundle=bundle,
        accuracy=accuracy,
        latency=tuple(newest.values()),
        num_images=None if num_images is None else int(num_images),
        parameters=cost.parameters,
        madds=cost.madds,
    )


def view_bundles(request: Request) -> tuple[list[BundleView], list[str]]:
    """All bundles, the newest first, and a line for each that cannot be read."""
    views, problems = [], []
    for found in find_bundles(root_of(request)):
        try:
            views.append(view_bundle(found.name, open_bundle(found.path, verify=False)))
        except (EdgesmithError, KeyError, TypeError, ValueError) as error:
            problems.append(f"{found.name}: {error}")
    return views, problems


@router.get("/bundles")
def bundles(request: Request) -> Response:
    """All bundles, the newest first."""
    views, problems = view_bundles(request)
    return render(request, "bundles.html", {"here": "/bundles", "bundles": views, "problems": problems})


@router.get("/bundle/{name:path}")
def bundle(request: Request, name: str) -> Response:
    """One bundle."""
    found = require_bundle(request, name)
    values = {
        "here": "/bundles",
        "view": view_bundle(name, found),
        "manifest": found.manifest,
        "files": [(each, size_of(found.folder / each)) for each in list_names(found)],
        "card": _card(found),
        "blocks": place_section(_blocks(found)),
    }
    return render(request, "bundle.html", values)


@router.get("/bundle-file/{file}/{name:path}")
def bundle_file(request: Request, file: str, name: str) -> Response:
    """One file of a bundle to take away; a model that is a folder comes as a zip.

    Raises:
        HTTPException: 404 where the bundle has no such file.
    """
    found = require_bundle(request, name)
    path = find_file(found, file) if file in list_names(found) else None
    if path is None:
        raise HTTPException(404)
    if path.is_dir():
        return _zipped(f"{file}.zip", [(file, path)])
    return FileResponse(path, filename=file, media_type="application/octet-stream")


@router.get("/bundle-zip/{name:path}")
def bundle_zip(request: Request, name: str) -> Response:
    """The whole bundle as one zip."""
    found = require_bundle(request, name)
    stem = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in found.manifest.name)
    return _zipped(f"{stem}.zip", [(f"{stem}/{each}", found.folder / each) for each in list_names(found)])


def _zipped(filename: str, files: list[tuple[str, Any]]) -> Response:
    packed = pack(files)
    name = filename.encode("ascii", "ignore").decode() or "bundle.zip"
    return StreamingResponse(
        iter(lambda: packed.read(1 << 16), b""),
        media_type="application/zip",
        headers={"content-disposition": f'attachment; filename="{name}"'},
        background=BackgroundTask(packed.close),
    )


def _blocks(found: Bundle) -> Section:
    note = "A box for each, from input to output: as high as its map is wide, as dark as its share of multiply-adds."
    body = show_blocks(list_blocks(found.manifest.spec, None), identifier="blocks")
    return Section(key="blocks", title="Block by block", note=note, body=body)


def _card(found: Bundle) -> Html | None:
    path = find_file(found, CARD_NAME)
    if path is None or not path.is_file() or path.stat().st_size > _MOST_CARD_BYTES:
        return None
    return render_markdown(path.read_text(encoding="utf-8", errors="replace"), top_level=3)
