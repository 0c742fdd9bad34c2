from __future__ import annotations

import io
import pickle
import struct
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgesmith.data.pictures import MAX_PIXELS, PictureError, decode
from tests.data.builders import encode, noise

RED = (255, 0, 0)


def _pixel(content: bytes, x: int = 0, y: int = 0) -> tuple[int, ...]:
    value = decode(content, name="x").getpixel((x, y))
    assert isinstance(value, tuple)
    return tuple(int(channel) for channel in value)


def _without_adobe_marker(jpeg: bytes) -> bytes:
    start = jpeg.index(b"\xff\xee")
    length = struct.unpack(">H", jpeg[start + 2 : start + 4])[0]
    return jpeg[:start] + jpeg[start + 2 + length :]


def _upright() -> Image.Image:
    image = Image.new("RGB", (48, 32), "white")
    image.paste(RED, (0, 0, 16, 16))
    return image


# What a camera stores for each orientation, so that turning it back gives the upright picture.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_case_d1_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    turn = STORED[orientation]
    stored = _upright() if turn is None else _upright().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, kind, exif=exif, quality=95)
    image = decode(buffer.getvalue(), name="x")
    assert image.size == (48, 32)
    assert np.abs(np.asarray(image).astype(int) - np.asarray(_upright())).mean() < 3
    assert decode(buffer.getvalue(), name="x", apply_orientation=False).size == stored.size


def test_case_d2_cmyk_red_is_red_with_the_adobe_marker() -> None:
    content = encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)))
    assert b"Adobe" in content
    assert np.abs(np.subtract(_pixel(content), RED)).max() <= 3


@pytest.mark.parametrize("stored", [(0, 255, 255, 0), (255, 0, 0, 255)], ids=["inverted", "plain"])
def test_case_d2_cmyk_red_is_red_without_the_adobe_marker(stored: tuple[int, int, int, int]) -> None:
    content = _without_adobe_marker(encode(Image.new("CMYK", (16, 16), stored)))
    assert b"Adobe" not in content
    assert np.abs(np.subtract(_pixel(content), RED)).max() <= 3


@pytest.mark.parametrize(("mode", "colour", "expected"), [("L", 77, (77, 77, 77)), ("1", 1, (255, 255, 255))])
def test_greyscale_and_bilevel(mode: str, colour: int, expected: tuple[int, int, int]) -> None:
    assert _pixel(encode(Image.new(mode, (4, 4), colour), "PNG")) == expected


def test_transparency_is_laid_on_white() -> None:
    assert _pixel(encode(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG")) == (255, 255, 255)
    assert _pixel(encode(Image.new("RGBA", (4, 4), (255, 0, 0, 128)), "PNG")) == (255, 127, 127)
    assert _pixel(encode(Image.new("LA", (4, 4), (0, 0)), "PNG")) == (255, 255, 255)


def test_palette_png_with_and_without_transparency() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 255, 255, 0, 0, 0, 255, 0])
    assert _pixel(encode(image, "PNG")) == RED
    for transparency in (1, b"\xff\x00\xff"):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", transparency=transparency)
        assert _pixel(buffer.getvalue()) == (255, 255, 255)


def test_rgb_png_with_one_transparent_colour() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), RED).save(buffer, "PNG", transparency=RED)
    assert _pixel(buffer.getvalue()) == (255, 255, 255)


def test_sixteen_bit_png_is_scaled_and_not_clipped() -> None:
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    image = decode(encode(Image.fromarray(values), "PNG"), name="x")
    assert np.asarray(image)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert image.mode == "RGB"


def test_sixteen_bit_colour_png() -> None:
    row = b"\0" + np.array([65535, 32896, 0], dtype=">u2").tobytes()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    assert _pixel(b"\x89PNG\r\n\x1a\n" + body) == (255, 128, 0)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0.0, 0.5, 1.0]], dtype=np.float32),
        np.array([[0.0, 127.5, 255.0]], dtype=np.float32),
        np.array([[0.0, 32767.5, 65535.0]], dtype=np.float32),
        np.array([[0, 32768, 65535]], dtype=np.int32),
        np.array([[0, 2**30, 2**31 - 1]], dtype=np.int32),
    ],
)
def test_float_and_integer_tiff_are_scaled(values: NDArray[np.float32] | NDArray[np.int32]) -> None:
    image = decode(encode(Image.fromarray(values), "TIFF"), name="x")
    assert np.asarray(image)[0, :, 0].tolist() == [0, 128, 255]


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "PNG", "WEBP"):
        buffer = io.BytesIO()
        options = {"lossless": True} if kind == "WEBP" else {}
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
        assert _pixel(buffer.getvalue()) == RED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_case_d5_a_truncated_picture_is_named(kind: str, share: float) -> None:
    content = encode(noise(64, 64), kind)
    with pytest.raises(PictureError, match=r"^a/b\.jpg: cut short or damaged") as caught:
        decode(content[: int(len(content) * share)], name="a/b.jpg")
    assert caught.value.kind == "truncated"


def test_case_d5_a_jpeg_cut_by_400_bytes_and_a_progressive_one_are_errors() -> None:
    plain = encode(noise(64, 64))
    buffer = io.BytesIO()
    noise(64, 64).save(buffer, "JPEG", progressive=True)
    for content in (plain, buffer.getvalue()):
        with pytest.raises(PictureError, match="cut short"):
            decode(content[:-400], name="x")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>404</html>", "a web page or XML text"),
        (b"\n <html>404</html>", "a web page or XML text"),
        (b"just some words", "not a picture in a format that can be read"),
        (bytes(1000), "not a picture in a format that can be read"),
    ],
)
def test_case_d5_what_is_no_picture_is_named(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=rf"^photo\.jpg: {reason}") as caught:
        decode(content, name="photo.jpg")
    assert caught.value.kind == "not_a_picture"
    assert "\n" not in str(caught.value)


def _png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    for width, height in ((MAX_PIXELS // 1000 + 1, 1000), (100_000, 100_000)):
        rest = struct.pack(">I", 4) + b"IDAT" + b"abcd" + struct.pack(">I", zlib.crc32(b"IDATabcd"))
        with pytest.raises(PictureError, match=r"^x: .*134 million") as caught:
            decode(_png_header(width, height) + rest, name="x")
        assert caught.value.kind == "too_large"


def test_a_wrong_suffix_does_not_matter() -> None:
    assert decode(encode(noise(), "PNG"), name="photo.jpg").size == (20, 16)


def test_damaged_exif_does_not_reject_the_picture() -> None:
    buffer = io.BytesIO()
    noise().save(buffer, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")
    assert decode(buffer.getvalue(), name="x").size == (20, 16)


def test_errors_cross_process_borders_whole() -> None:
    error = PictureError("a/b.jpg", kind="truncated", reason="cut short")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.kind, copy.file) == ("a/b.jpg: cut short", "truncated", "a/b.jpg")
