"""Pictures in any supported format become 8-bit RGB as a viewer shows them; other files are named."""

import io

import numpy as np
import pytest
from PIL import Image

from gtsrb.data import picture_files
from gtsrb.errors import InputError

UNSUPPORTED = "not a picture in a supported format; expected one of PNG, JPEG, GIF, WEBP, TIFF, BMP, PPM$"
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
def test_every_color_mode_becomes_rgb(image):
    stream = io.BytesIO()
    image.save(stream, "tiff" if image.mode == "CMYK" else "png")
    pixels = picture_files.read(stream.getvalue())
    assert (pixels.dtype, pixels.shape) == (np.uint8, (image.height, image.width, 3))


def test_sixteen_bits_transparency_animation_and_orientation():
    def save_and_read(image: Image.Image, file_format: str = "png", **options) -> np.ndarray:
        stream = io.BytesIO()
        image.save(stream, file_format, **options)
        return picture_files.read(stream.getvalue())

    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    assert (save_and_read(Image.fromarray(deep))[..., 0] == deep >> 8).all()
    assert (picture_files.read(b"P5\n8 8\n65535\n" + deep.astype(">u2").tobytes())[..., 0] == deep >> 8).all()
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (save_and_read(clear) == 255).all()  # white, not the transparent red
    frames = [Image.new("RGB", (5, 5), color) for color in ("red", "blue")]
    first = save_and_read(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert first[0, 0].tolist() == [255, 0, 0]
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    assert save_and_read(Image.fromarray(PIXELS), "jpeg", exif=exif.tobytes()).shape == (50, 40, 3)


def test_too_many_pixels_are_rejected_before_decoding():
    stream = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(stream, "png")
    with pytest.raises(InputError, match="10000 x 10000 pixels; expected at most 50 million"):
        picture_files.read(stream.getvalue())


def test_files_that_are_not_pictures_are_named(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "png")
    truncated, float_pixels = stream.getvalue()[:900], io.BytesIO()
    length = stream.getvalue().index(b"IDAT") - 4
    wrong_length = (
        stream.getvalue()[:length] + (100).to_bytes(4, "big") + stream.getvalue()[length + 4 :]
    )  # Pillow's SyntaxError
    Image.fromarray(PIXELS[..., 0].astype(np.float32)).save(float_pixels, "tiff")
    for content, message in {
        b"": UNSUPPORTED,
        b"<html>" * 99: UNSUPPORTED,
        truncated: "cannot be read: ",
        wrong_length: "cannot be read: ",
        float_pixels.getvalue(): "floating-point pixels; expected 8 or 16 bits per channel",
        tmp_path / "absent.png": "cannot be read: ",
    }.items():
        with pytest.raises(InputError, match=f"^{message}"):
            picture_files.read(content)


@pytest.mark.parametrize(("name", "extensions"), picture_files.FORMATS.items())
def test_every_format_is_read(name, extensions, tmp_path):
    for extension in extensions:
        image = Image.fromarray(PIXELS).convert("1" if extension == "pbm" else "L" if extension == "pgm" else "RGB")
        image.save(tmp_path / f"a.{extension}")  # in Pillow's format for this extension
        with Image.open(tmp_path / f"a.{extension}") as saved:
            assert saved.format == name
        assert picture_files.read(tmp_path / f"a.{extension}").shape == PIXELS.shape


@pytest.mark.parametrize("file_format", ["eps", "ico", "tga", "pcx"])
def test_no_other_format_is_tried(file_format, tmp_path, monkeypatch):
    """Pillow would start Ghostscript, another program, to read EPS."""
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("Ghostscript is started"))
    Image.fromarray(PIXELS).save(tmp_path / "a.png", file_format)
    with pytest.raises(InputError, match=f"^{UNSUPPORTED}"):
        picture_files.read(tmp_path / "a.png")
