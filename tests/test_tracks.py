"""Whose face is taken where a video shows several people."""

from pathlib import Path

import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.clips import Video
from tcnsc_lib.faces.detect import Candidates
from tcnsc_lib.faces.forgery import Forgery
from tcnsc_lib.faces.search import _chosen
from tcnsc_lib.faces.tracks import ONLY, choose, jumps, overlap_of
from tcnsc_lib.faces.video import Film, write_video

LEFT = [10, 20, 50, 60]
RIGHT = [90, 20, 130, 60]
FAR = [400, 20, 440, 60]
FILM = Film(height=100, width=160, frames=4, rate=25.0)
NUMBERS = np.arange(4)


def frame(*boxes: list, weights: list | None = None) -> Candidates:
    """The faces of a frame, the first of them the main one."""
    count = len(boxes)
    falling = np.arange(count, 0, -1.0) if weights is None else np.array(weights, float)
    corners = np.array(boxes, float).reshape(-1, 4)
    return Candidates(corners, np.ones(count), np.zeros((count, 5, 2)), falling)


def taken(frames: list[Candidates], shares: dict | None = None) -> list:
    """The box taken of each frame."""
    choices = choose(frames, shares)
    boxes = []
    for faces, choice in zip(frames, choices, strict=True):
        boxes.append(None if choice.index is None else faces.boxes[choice.index].tolist())
    return boxes


def mask(path: Path, box: list, length: int = 4, shape: tuple = (100, 160)) -> Path:
    frames = np.zeros((length, *shape, 3), np.uint8)
    x0, y0, x1, y1 = box
    frames[:, y0:y1, x0:x1] = 255
    write_video(path, frames, 0)
    return path


def test_one_face_a_frame_is_taken_wherever_it_is():
    assert taken([frame(LEFT), frame(RIGHT), frame(), frame(FAR)]) == [LEFT, RIGHT, None, FAR]


def test_the_main_face_of_all_frames_stays_the_main_one():
    frames = [frame(LEFT, RIGHT), frame(RIGHT, LEFT), frame(LEFT, RIGHT)]
    assert taken(frames) == [LEFT] * 3
    choices = choose(frames)
    assert [choice.faces for choice in choices] == [2, 2, 2]
    assert {choice.taken for choice in choices} == {"its track"}


def test_a_frame_without_the_persons_face_gives_none():
    frames = [frame(LEFT, RIGHT), frame(LEFT, RIGHT), frame(RIGHT), frame(LEFT)]
    assert taken(frames) == [LEFT, LEFT, None, LEFT]
    assert [choice.faces for choice in choose(frames)] == [2, 2, 1, 1]


def test_a_face_is_followed_as_it_moves():
    moving = [[x, 20, x + 40, 60] for x in (10, 30, 50, 70, 90)]
    frames = [frame(FAR, box) if i % 2 else frame(box, FAR) for i, box in enumerate(moving)]
    frames[0] = frame(moving[0], FAR, weights=[9, 1])
    assert taken(frames) == moving


def test_the_only_face_far_from_where_it_was_is_taken_and_doubtful():
    choices = choose([frame(LEFT), frame(LEFT), frame(FAR)])
    assert [choice.taken for choice in choices] == ["", "", ONLY]


def test_the_mask_says_whose_face_it_is():
    frames = [frame(LEFT, RIGHT)] * 4
    shares = {0: np.array([0.0, 0.9]), 2: np.array([0.1, 0.8])}
    assert taken(frames, shares) == [RIGHT] * 4
    assert {choice.taken for choice in choose(frames, shares)} == {"the mask"}


def test_where_the_mask_lies_on_no_face_there_is_none():
    frames = [frame(LEFT), frame(LEFT, RIGHT)]
    assert choose(frames, {0: np.array([0.0]), 1: np.array([0.1, 0.2])}) is None


def test_videos_without_any_face_give_none():
    assert taken([frame(), frame()]) == [None, None]


# ---------------------------------------------------------------- masks


def test_a_mask_is_compared_with_each_face_in_its_frame(tmp_path):
    forgery = Forgery(FILM, NUMBERS, may_be_shorter=False)
    forgery.add(mask(tmp_path / "a.mp4", [90, 20, 130, 40]))
    shares = forgery.shares([frame(LEFT, RIGHT)] * 3 + [frame()])
    assert sorted(shares) == [0, 1, 2]
    np.testing.assert_array_equal(shares[1], [0, 1])


def test_a_mask_that_is_black_says_nothing(tmp_path):
    forgery = Forgery(FILM, NUMBERS, may_be_shorter=False)
    forgery.add(mask(tmp_path / "a.mp4", [0, 0, 0, 0]))
    assert forgery.shares([frame(LEFT)] * 4) == {}


@pytest.mark.parametrize(
    ("how", "sentence"),
    [({"length": 3}, "a.mp4 has 3 frames, its video 4"),
     ({"length": 5}, "a.mp4 has 5 frames, its video 4"),
     ({"shape": (60, 80)}, "a.mp4 has 80 x 60 pixels, its video 160 x 100")],
    ids=str,
)
def test_a_mask_that_does_not_fit_is_told_and_adds_nothing(tmp_path, how, sentence):
    forgery = Forgery(FILM, NUMBERS, may_be_shorter=False)
    with pytest.raises(CompanionError, match=sentence):
        forgery.add(mask(tmp_path / "a.mp4", LEFT, **how))
    assert forgery.shares([frame(LEFT)] * 4) == {}


def test_the_mask_of_a_real_videos_fake_may_end_earlier(tmp_path):
    forgery = Forgery(FILM, NUMBERS, may_be_shorter=True)
    forgery.add(mask(tmp_path / "a.mp4", LEFT, length=3))
    assert sorted(forgery.shares([frame(LEFT)] * 4)) == [0, 1, 2]


@pytest.mark.parametrize("how", [{"box": [0, 0, 0, 0]}, {"box": RIGHT, "length": 3}], ids=str)
def test_a_doubtful_face_says_that_its_mask_could_not_be_used(tmp_path, how):
    clip = Video(
        path=tmp_path / "000_001.mp4",
        name="000_001",
        method="Deepfakes",
        split="test",
        masks=(mask(tmp_path / "a.mp4", **how),),
    )
    frames = [frame(LEFT, RIGHT), frame(LEFT, RIGHT), frame(LEFT, RIGHT), frame(LEFT)]
    choices = _chosen(clip, FILM, NUMBERS, frames)
    said = [choice.taken for choice in choices]
    assert said == ["its track, and its mask can't be used"] * 3 + [""]


# ---------------------------------------------------------------- a jump


def test_the_overlap_of_two_boxes_by_hand():
    one = np.array([0.0, 0.0, 40.0, 40.0])
    assert overlap_of(one, one) == 1
    assert overlap_of(one, one + 40) == 0
    assert overlap_of(one, np.array([20.0, 0.0, 60.0, 40.0])) == pytest.approx(1 / 3)
    assert overlap_of(one, np.array([0.0, 0.0, 20.0, 20.0])) == pytest.approx(1 / 4)


@pytest.mark.parametrize(("boxes", "jumped"), [
    ([LEFT, LEFT, LEFT], set()),
    ([LEFT, RIGHT, RIGHT], {1}),  # a cut
    ([LEFT, RIGHT, LEFT], {1, 2}),  # there and back
    ([LEFT, None, RIGHT], {2}),
    ([None, LEFT, [15, 20, 55, 60]], set()),  # a move
    ([LEFT, [10, 20, 90, 100]], {1}),  # twice as large
    ([None, None], set()),
    ([], set()),
])
def test_a_jump_of_place_or_size_is_seen_and_a_move_isnt(boxes, jumped):
    assert jumps(boxes) == jumped
