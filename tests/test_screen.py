"""Videos as players show them: upright, square pixels, the film and not its cover, true colours."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import screen
from tcnsc_lib.faces.video import about, frames_of, read_frames, write_video

ONE = 1 << 16  # of a display matrix
CORNERS = {"a": 40, "b": 90, "c": 150, "d": 210}  # grey levels

# name -> a, b, c, d of the matrix, and the picture that is shown for "ab/cd"
TURNS = {
    "not at all": ((1, 0, 0, 1), "ab/cd"),
    "to the right": ((0, 1, -1, 0), "ca/db"),
    "upside down": ((-1, 0, 0, -1), "dc/ba"),
    "to the left": ((0, -1, 1, 0), "bd/ac"),
    "mirrored": ((-1, 0, 0, 1), "ba/dc"),
    "mirrored upside down": ((1, 0, 0, -1), "cd/ab"),
    "transposed": ((0, 1, 1, 0), "ac/bd"),
}
CURVES = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


def corners(picture: str, height: int = 48, width: int = 64) -> np.ndarray:
    """uint8 (height, width, 3) with a grey level in each corner, named "ab/cd"."""
    names = picture.replace("/", "")
    levels = np.array([CORNERS[name] for name in names], np.uint8).reshape(2, 2)
    grey = levels.repeat(height // 2, 0).repeat(width // 2, 1)
    return np.repeat(grey[..., None], 3, 2)


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a display matrix into a video's track header, as phones do; the pixels stay."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    for step, value in zip((0, 4, 12, 16), matrix, strict=True):
        number = (value * ONE) & 0xFFFFFFFF
        data[place + step : place + step + 4] = number.to_bytes(4, "big")
    path.write_bytes(bytes(data))
    return path


def encoded(path: Path, frames: list[av.VideoFrame], codec: str, **options: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width = frames[0].width
        stream.height = frames[0].height
        stream.pix_fmt = frames[0].format.name
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def plain(colour: tuple[int, ...], kind: str, shape: tuple[int, int] = (64, 64)) -> av.VideoFrame:
    picture = np.full((*shape, 3), colour, np.uint8)
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=kind)


def first(path: Path) -> np.ndarray:
    return read_frames(path, np.array([0]))[1][0]


@pytest.mark.parametrize(("matrix", "expected"), TURNS.values(), ids=TURNS)
def test_frames_are_turned_and_mirrored_as_the_header_says(tmp_path, matrix, expected):
    write_video(tmp_path / "a.mp4", corners("ab/cd")[None], 0)
    shown = first(turned(tmp_path / "a.mp4", matrix))
    shape = (64, 48) if matrix[0] == 0 else (48, 64)
    np.testing.assert_array_equal(shown, corners(expected, *shape))
    film = about(tmp_path / "a.mp4")
    assert (film.height, film.width, film.frames, film.rate) == (*shape, 1, 25.0)


def test_a_frame_shown_askew_is_refused(tmp_path):
    write_video(tmp_path / "a.mp4", corners("ab/cd")[None], 0)
    with pytest.raises(CompanionError, match=r"a.mp4 .*turned by other than quarters"):
        first(turned(tmp_path / "a.mp4", (1, 1, -1, 1)))


@pytest.mark.parametrize(("aspect", "shape"), [("16/11", (48, 93)), ("1/2", (96, 64))])
def test_pixels_are_made_square(tmp_path, aspect, shape):
    frame = av.VideoFrame.from_ndarray(corners("ab/cd"), format="rgb24")
    frames = [frame.reformat(format="yuv420p")]
    says = {"x264-params": f"sar={aspect}"}
    shown = first(encoded(tmp_path / "a.mp4", frames, "libx264", **says))
    assert shown.shape[:2] == shape
    middles = shown[shape[0] // 4 :: shape[0] // 2, shape[1] // 4 :: shape[1] // 2, 0]
    np.testing.assert_allclose(middles[:2, :2], [[40, 90], [150, 210]], atol=4)


def with_two_streams(path: Path, cover: str) -> Path:
    """A film (grey 200, 64 x 48) behind a cover or a preview (black, 16 x 16)."""
    with av.open(str(path), "w") as container:
        streams = []
        for codec, width, height in ((cover, 16, 16), ("libx264", 64, 48)):
            stream = container.add_stream(codec, rate=25)
            stream.width = width
            stream.height = height
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            streams.append(stream)
        for level, count, stream in ((0, 1, streams[0]), (200, 5, streams[1])):
            for _ in range(count):
                shape = (stream.height, stream.width)
                container.mux(stream.encode(plain((level,) * 3, stream.pix_fmt, shape)))
            container.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("cover", ["mjpeg", "libx264"])
def test_a_small_stream_before_the_film_is_not_the_film(tmp_path, name, cover):
    shown = first(with_two_streams(tmp_path / name, cover))
    assert shown.shape == (48, 64, 3)
    np.testing.assert_allclose(shown, 200, atol=3)


class Stream:
    """Stands in for PyAV's."""

    def __init__(self, width: int, frames: int, *flags: str) -> None:
        self.codec_context = type("Codec", (), {"width": width, "height": width})
        self.frames = frames
        self.disposition = screen.Disposition(0)
        for flag in flags:
            self.disposition |= screen.Disposition[flag]


def film_of(*streams: Stream) -> int:
    container = type("Container", (), {})
    container.streams = type("Streams", (), {"video": streams})
    return streams.index(screen.film(container))


def test_covers_are_never_the_film_and_what_the_container_prefers_is():
    cover = Stream(2000, 1, "attached_pic", "default")
    assert film_of(cover, Stream(64, 9)) == 1
    assert film_of(Stream(64, 9), Stream(64, 9, "default")) == 1
    assert film_of(Stream(80, 9, "default"), Stream(100, 9)) == 0
    assert film_of(Stream(30, 9, "default"), Stream(100, 9)) == 1
    assert film_of(Stream(100, 1, "default"), Stream(100, 9)) == 1
    with pytest.raises(ValueError, match="cover picture only"):
        film_of(cover)


DEPTHS = ("yuv420p10le", "yuv422p10le", "yuv444p", "gray", "gray10le")


@pytest.mark.parametrize("kind", DEPTHS)
def test_more_bits_and_grey_are_shown_alike(tmp_path, kind):
    frames = [plain((120, 120, 120), kind)]
    shown = first(encoded(tmp_path / "a.mkv", frames, "ffv1" if "gray" in kind else "libx264"))
    np.testing.assert_allclose(shown, 120, atol=2)


@pytest.mark.parametrize("full", ["on", "off"])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
def test_colours_are_decoded_by_the_matrix_and_range_of_the_stream(tmp_path, matrix, full):
    weights = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114), "bt2020nc": (0.2627, 0.0593)}
    red, green, blue = np.array([200, 60, 30]) / 255
    of_red, of_blue = weights[matrix]
    y = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    colours = np.array([y, (blue - y) / (2 - 2 * of_blue), (red - y) / (2 - 2 * of_red)])
    scale = np.array([255, 255, 255]) if full == "on" else np.array([219, 224, 224])
    levels = colours * scale + [0 if full == "on" else 16, 128, 128]
    frame = av.VideoFrame(64, 64, "yuv444p")
    for plane, level in zip(frame.planes, levels.round().astype(int), strict=True):
        plane.update(bytes([level]) * plane.buffer_size)
    says = {"x264-params": f"colormatrix={matrix}:fullrange={full}", "crf": "1"}
    shown = first(encoded(tmp_path / "a.mp4", [frame], "libx264", **says))
    np.testing.assert_allclose(shown[32, 32], [200, 60, 30], atol=3)


@pytest.mark.parametrize(("curve", "name"), CURVES.items(), ids=CURVES)
def test_hdr_is_refused(tmp_path, curve, name):
    frames = [plain((120, 120, 120), "yuv420p10le")]
    says = {"x264-params": f"transfer={curve}:colorprim=bt2020:colormatrix=bt2020nc"}
    path = encoded(tmp_path / "a.mp4", frames, "libx264", **says)
    with pytest.raises(CompanionError, match=rf"a.mp4 is HDR \({name}\).*convert it to SDR"):
        first(path)


def test_what_shows_through_lies_on_white(tmp_path):
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[:32, :, 3] = 255
    frame = av.VideoFrame.from_ndarray(picture, format="rgba")
    shown = first(encoded(tmp_path / "a.mov", [frame], "png"))
    assert shown[:32].max() == 0
    assert shown[32:].min() == 255


def test_a_size_that_changes_is_told(tmp_path):
    path = tmp_path / "a.h264"
    for size in (64, 96):
        frames = [plain((120, 120, 120), "yuv420p", (size, size))] * 3
        part = encoded(tmp_path / f"{size}.h264", frames, "libx264")
        with open(path, "ab") as whole:
            whole.write(part.read_bytes())
    with pytest.raises(CompanionError, match="a.h264 changes its frame size at frame 3, from 64 x"):
        list(frames_of(path, np.arange(6)))


def test_one_frame_at_a_time_is_held(tmp_path):
    write_video(tmp_path / "a.mp4", np.zeros((8, 32, 32, 3), np.uint8), 0)
    stream = frames_of(tmp_path / "a.mp4", np.array([1, 5]))
    assert next(stream)[0] == 1
    assert next(stream)[0] == 5
    assert next(stream, None) is None


def test_what_is_no_file_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "endless.mp4").symlink_to("/dev/zero")
    said = {"pipe": "a pipe", "folder": "a folder", "link": "a link to nothing",
            "endless": "a device"}
    for name, what in said.items():
        with pytest.raises(CompanionError, match=f"{name}.mp4 is {what}.*copy it again"):
            about(tmp_path / f"{name}.mp4")


def test_a_name_that_is_not_utf_8_is_read(tmp_path):
    write_video(tmp_path / "a.mp4", np.zeros((2, 32, 32, 3), np.uint8), 0)
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/J\xfcrgen.mp4")
    (tmp_path / "a.mp4").rename(odd)
    assert len(read_frames(Path(odd), count=2)[1]) == 2
