"""Pictures and archives that nobody sends by mistake, drawn from a seed: bombs, lies, escapes, links, polyglots."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from PIL import Image

from tests.data.builders import encode, noise

Draw = np.random.Generator

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
ESCAPES: Final = (
    "../../a.png", "/etc/cron.d/a.png", "a/../../../b.png", "..\\..\\a.png", "C:\\Windows\\a.png", "C:/a.png",
    "//host/share/a.png", "a/./b.png", "~/a.png", "a\x00.png", "a\n.png", "\u202egnp.a", "x" * 300 + ".png",
    "a/" * 200 + "b.png", "con.png", ".png", "-rf.png", "$(touch x).png", "<script>.png", "a'b\"c.png",
)  # fmt: skip


def picture(draw: Draw) -> bytes:
    """One hostile picture."""
    kind = list(PICTURES)[draw.integers(len(PICTURES))]
    return PICTURES[kind](draw)


def archive(draw: Draw) -> tuple[str, bytes]:
    """The name and the bytes of one hostile archive."""
    kind = list(ARCHIVES)[draw.integers(len(ARCHIVES))]
    return ARCHIVES[kind](draw)


def _small(draw: Draw) -> bytes:
    return encode(noise(32, 24, seed=int(draw.integers(99))), FORMATS[draw.integers(len(FORMATS))])


def _flipped(content: bytes, draw: Draw) -> bytes:
    changed = bytearray(content)
    for place in draw.integers(0, len(changed), draw.integers(1, 20)):
        changed[place] ^= int(draw.integers(1, 256))
    return bytes(changed)


def _cut(content: bytes, draw: Draw) -> bytes:
    return content[: int(draw.integers(0, len(content)))]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(width: int, height: int, *extra: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + pixels + _chunk(b"IEND", b"")


def _huge(draw: Draw) -> bytes:
    """A header that promises far more than follows."""
    width, height = (int(2 ** draw.uniform(13, 31)) for _ in range(2))
    short_width, short_height = min(width, 65535), min(height, 65535)
    jpeg = encode(noise(32, 24), "JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    return (
        _png(width, height),
        jpeg[:frame] + struct.pack(">HH", short_height, short_width) + jpeg[frame + 4 :],
        b"GIF89a" + struct.pack("<HH", short_width, short_height) + encode(noise(32, 24), "GIF")[10:],
        b"BM" + struct.pack("<IIIIiiHH", 9999, 0, 54, 40, min(width, 2**31 - 1), short_height, 1, 24) + b"\0" * 999,
    )[draw.integers(4)]


def _text_bomb(draw: Draw) -> bytes:
    """A note or a colour profile in a picture that unpacks to 200 MB."""
    packed = zlib.compress(b"\0" * 200_000_000, 9)
    extra = (_chunk(b"zTXt", b"note\0\0" + packed), _chunk(b"iCCP", b"profile\0\0" + packed))[draw.integers(2)]
    return _png(8, 8, extra)


def _frames(draw: Draw) -> bytes:
    buffer = io.BytesIO()
    first, *others = (noise(64, 64, seed=seed) for seed in range(int(draw.integers(50, 150))))
    first.save(buffer, "GIF", save_all=True, append_images=others)
    return buffer.getvalue()


def _odd(draw: Draw) -> bytes:
    """Sizes and modes at the edges of what a picture is."""
    size = ((1, 1), (1, 5000), (5000, 1), (3, 2))[draw.integers(4)]
    mode = ("1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "F")[draw.integers(8)]
    return encode(Image.new(mode, size), "TIFF")


def _polyglot(draw: Draw) -> bytes:
    script = b"<script>alert(1)</script>"
    return (
        _small(draw) + packed([("a/x.png", b"x")]),
        b"GIF89a/*" + script + b"*/" + bytes(100),
        b"%PDF-1.4\n" + _small(draw),
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>" + _small(draw),
        _png(8, 8, _chunk(b"tEXt", b"Comment\0" + script)),
    )[draw.integers(5)]


PICTURES: Final[Mapping[str, Callable[[Draw], bytes]]] = MappingProxyType(
    {
        "flipped": lambda draw: _flipped(_small(draw), draw),
        "cut": lambda draw: _cut(_small(draw), draw),
        "huge": _huge,
        "text bomb": _text_bomb,
        "frames": _frames,
        "odd": _odd,
        "polyglot": _polyglot,
        "noise": lambda draw: draw.bytes(int(draw.integers(0, 2000))),
    }
)


def packed(members: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    """A zip archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def _good_zip(draw: Draw) -> bytes:
    return packed((f"{name}/{n}.png", _small(draw)) for name in "ab" for n in range(3))


def _tar(*members: tarfile.TarInfo, compressed: bool = False) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if compressed else "w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return buffer.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, *, to: str = "", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, to, size
    return member


def _escape(draw: Draw) -> tuple[str, bytes]:
    name = ESCAPES[draw.integers(len(ESCAPES))]
    if draw.random() < 0.5:
        return "a.tar", _tar(_member(name.replace("\x00", ""), size=9))
    return "a.zip", packed([(zipfile.ZipInfo(name), encode(noise()))])


def _link(draw: Draw) -> tuple[str, bytes]:
    to = ("/etc/passwd", "../../secret", "x.png", "b/../../..")[draw.integers(4)]
    if draw.random() < 0.3:
        member = zipfile.ZipInfo("a/x.png")
        member.external_attr = (0o120777, 0o010777, 0o060777)[draw.integers(3)] << 16
        return "a.zip", packed([(member, to.encode())])
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    kind = kinds[draw.integers(len(kinds))]
    return "a.tar.gz", _tar(_member("a/x.png", kind, to=to), _member("a/x.png/y.png", size=9), compressed=True)


def _bomb(draw: Draw) -> tuple[str, bytes]:
    """Unpacks to hundreds of times its size, in one member, in many, or in the same bytes named many times."""
    zeros = b"\0" * 40_000_000
    shape = draw.integers(3)
    if shape == 0:
        return "a.zip", packed((f"a/{n}.png", zeros[:4_000_000]) for n in range(10))
    if shape == 1:
        return "a.tar.gz", _tar(_member("a/0.png", size=40_000_000), compressed=True)
    content = packed([("a/0.png", zeros)])
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entries = content[start:end] * 500
    closing = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 500, 500, len(entries), start, 0)
    return "a.zip", content[:start] + entries + closing


def _lie(draw: Draw) -> tuple[str, bytes]:
    """Sizes, checksums and flags in the directory of a zip that are not those of its members."""
    content = bytearray(_good_zip(draw))
    entry = content.index(b"PK\x01\x02")
    field = (8, 10, 16, 20, 24, 28, 42)[draw.integers(7)]  # flags, method, checksum, sizes, name's length, offset
    content[entry + field : entry + field + 2] = draw.bytes(2)
    return "a.zip", bytes(content)


def _many(draw: Draw) -> tuple[str, bytes]:
    count = int(draw.integers(5_000, 10_000))
    return "a.zip", packed((f"a/{n}.png", b"") for n in range(count))


def _damaged(draw: Draw) -> tuple[str, bytes]:
    name = ("a.zip", "a.tar", "a.tar.gz", "a.tgz")[draw.integers(4)]
    members = [_member(f"a/{index}.png", size=99) for index in range(3)]
    whole = _good_zip(draw) if name == "a.zip" else _tar(*members, compressed=name != "a.tar")
    return name, (_flipped if draw.random() < 0.6 else _cut)(whole, draw)


def _mixed(draw: Draw) -> tuple[str, bytes]:
    """An archive behind a picture, archives in an archive, or one kind under the other's name."""
    return (
        ("a.zip", encode(noise()) + _good_zip(draw)),
        ("a.zip", packed((f"a/{n}.zip", _good_zip(draw)) for n in range(3))),
        ("a.tar", _good_zip(draw)),
        ("a.zip", _tar(_member("a/0.png", size=9))),
    )[draw.integers(4)]


ARCHIVES: Final[Mapping[str, Callable[[Draw], tuple[str, bytes]]]] = MappingProxyType(
    {
        "escape": _escape,
        "link": _link,
        "bomb": _bomb,
        "lie": _lie,
        "many": _many,
        "damaged": _damaged,
        "mixed": _mixed,
    }
)
