"""Pictures: whatever kind of file, 8-bit RGB as a person sees it; what is none is named."""

import io

import numpy as np
import pytest
from PIL import Image

from gtsrb.data import picture_files
from gtsrb.errors import InputError

UNKNOWN = "not a picture in a known format; expected one of PNG, JPEG, GIF, WEBP, TIFF, BMP, PPM$"
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(PIXELS),
        Image.fromarray(PIXELS).convert("L"),
        Image.fromarray(PIXELS).convert("P"),
        Image.fromarray(PIXELS).convert("CMYK"),
        Image.fromarray(PIXELS).convert("1"),
        Image.fromarray(PIXELS[:1, :1]),
    ],
    ids=lambda image: f"{image.mode} {image.size}",
)
def test_every_kind_of_picture_becomes_rgb(image):
    stream = io.BytesIO()
    image.save(stream, "tiff" if image.mode == "CMYK" else "png")
    read = picture_files.read(stream.getvalue())
    assert (read.dtype, read.shape) == (np.uint8, (image.height, image.width, 3))


def test_sixteen_bits_transparency_animation_and_orientation():
    def read(image: Image.Image, kind: str = "png", **options) -> np.ndarray:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return picture_files.read(stream.getvalue())

    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    assert (read(Image.fromarray(deep))[..., 0] == deep >> 8).all()
    assert (picture_files.read(b"P5\n8 8\n65535\n" + deep.astype(">u2").tobytes())[..., 0] == deep >> 8).all()
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (read(clear) == 255).all()  # white, not what is under it
    frames = [Image.new("RGB", (5, 5), color) for color in ("red", "blue")]
    first = read(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert first[0, 0].tolist() == [255, 0, 0]
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    assert read(Image.fromarray(PIXELS), "jpeg", exif=exif.tobytes()).shape == (50, 40, 3)


def test_too_many_pixels_are_refused_before_they_are_read():
    stream = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(stream, "png")
    with pytest.raises(InputError, match="10000 x 10000 pixels; expected at most 50 million"):
        picture_files.read(stream.getvalue())


def test_what_is_no_picture_is_named(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "png")
    cut, numbers = stream.getvalue()[:900], io.BytesIO()
    length = stream.getvalue().index(b"IDAT") - 4
    short = stream.getvalue()[:length] + (100).to_bytes(4, "big") + stream.getvalue()[length + 4 :]  # Pillow's SyntaxError
    Image.fromarray(PIXELS[..., 0].astype(np.float32)).save(numbers, "tiff")
    for content, fault in {
        b"": UNKNOWN,
        b"<html>" * 99: UNKNOWN,
        cut: "cannot be read: ",
        short: "cannot be read: ",
        numbers.getvalue(): "its pixels are floating-point numbers; expected 8 or 16 bits a channel",
        tmp_path / "absent.png": "cannot be read: ",
    }.items():
        with pytest.raises(InputError, match=f"^{fault}"):
            picture_files.read(content)


@pytest.mark.parametrize(("name", "endings"), picture_files.FORMATS.items())
def test_every_format_is_read(name, endings, tmp_path):
    for ending in endings:
        image = Image.fromarray(PIXELS).convert("1" if ending == "pbm" else "L" if ending == "pgm" else "RGB")
        image.save(tmp_path / f"a.{ending}")  # Pillow's choice of a format for this ending
        with Image.open(tmp_path / f"a.{ending}") as saved:
            assert saved.format == name
        assert picture_files.read(tmp_path / f"a.{ending}").shape == PIXELS.shape


@pytest.mark.parametrize("kind", ["eps", "ico", "tga", "pcx"])
def test_no_other_format_is_tried(kind, tmp_path, monkeypatch):
    """Pillow has EPS drawn by Ghostscript, another program."""
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("Ghostscript is started"))
    Image.fromarray(PIXELS).save(tmp_path / "a.png", kind)
    with pytest.raises(InputError, match=f"^{UNKNOWN}"):
        picture_files.read(tmp_path / "a.png")
