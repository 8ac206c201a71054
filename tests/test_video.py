"""Videos: exactly the frames asked for, losslessly where that is said, or a sentence."""

from pathlib import Path

import av
import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.video import audit_crf, read_frames, sample_indices, write_video


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory) -> Path:
    """A video of 24 frames whose grey level is ten times their number, in the order of B frames."""
    path = tmp_path_factory.mktemp("numbered") / "a.mp4"
    frames = [np.full((64, 64, 3), 10 * i, np.uint8) for i in range(24)]
    write_video(path, np.stack(frames), crf=23)
    return path


@pytest.fixture(scope="module")
def streamable(numbered) -> Path:
    """The same with its index in front, as the web likes it."""
    path = numbered.with_name("front.mp4")
    front = {"movflags": "faststart"}
    with av.open(str(numbered)) as old, av.open(str(path), "w", options=front) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return path


def of_another_encoder(path: Path) -> Path:
    """MPEG-1, which doesn't say how many frames it has: one."""
    with av.open(str(path), "w", format="mpeg") as container:
        stream = container.add_stream("mpeg1video", rate=25)
        stream.width = 32
        stream.height = 32
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(noise(32, 32, 3), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [
        (75, 5, [0, 18, 37, 56, 74]),
        (10, 2, [0, 9]),
        (3, 10, [0, 1, 2]),
        (4, 4, [0, 1, 2, 3]),
        (9, 1, [0]),
    ],
)
def test_frames_are_sampled_evenly_with_both_ends(total, count, expected):
    assert sample_indices(total, count).tolist() == expected


def test_crf_0_is_lossless(tmp_path):
    frames = noise(5, 40, 52, 3)
    write_video(tmp_path / "a.mp4", frames, crf=0)
    numbers, back = read_frames(tmp_path / "a.mp4", count=5)
    assert numbers.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(back, frames)


@pytest.mark.parametrize(
    "asked", [{"indices": np.array([0, 3, 7, 22, 23])}, {"count": 6}, {"count": 99}], ids=str
)
def test_exactly_the_frames_asked_for(numbered, asked):
    numbers, frames = read_frames(numbered, **asked)
    assert np.abs(frames.mean(axis=(1, 2, 3)) / 10 - numbers).max() < 0.3
    expected = asked["indices"] if "indices" in asked else sample_indices(24, asked["count"])
    assert numbers.tolist() == expected.tolist()
    assert len(frames) == len(expected)


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.95])
def test_truncated_video_is_refused_by_name(numbered, tmp_path, share):
    whole = numbered.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CompanionError, match="cut.mp4.*copy it again"):
        read_frames(tmp_path / "cut.mp4", count=4)


def test_truncated_streamable_video_is_refused(streamable, tmp_path):
    """A cut file of that kind opens and decodes up to the cut."""
    assert len(read_frames(streamable, count=24)[1]) == 24
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(streamable.read_bytes()[:-600])
    with pytest.raises(CompanionError, match="cut.mp4.*copy it again"):
        read_frames(cut, count=24)


def test_no_video_and_no_frame_are_refused(numbered, tmp_path):
    (tmp_path / "text.mp4").write_text("Access denied")
    with pytest.raises(CompanionError, match="text.mp4"):
        read_frames(tmp_path / "text.mp4", count=4)
    with pytest.raises(CompanionError, match="absent.mp4"):
        read_frames(tmp_path / "absent.mp4", count=4)
    with pytest.raises(CompanionError, match="ends early: 1 of 2"):
        read_frames(numbered, np.array([3, 24]))


def test_a_container_that_does_not_count_its_frames_is_read_to_the_end(tmp_path):
    numbers, frames = read_frames(of_another_encoder(tmp_path / "a.mpg"), count=3)
    assert numbers.tolist() == [0]
    assert frames.shape == (1, 32, 32, 3)


@pytest.mark.parametrize("crf", [0, 23, 40])
def test_audit_reads_the_true_crf(tmp_path, crf):
    write_video(tmp_path / "c23.mp4", noise(2, 32, 32, 3), crf)
    assert audit_crf(tmp_path / "c23.mp4") == crf


def test_audit_of_another_encoder_is_none(tmp_path):
    assert audit_crf(of_another_encoder(tmp_path / "a.mpg")) is None
