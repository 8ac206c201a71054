"""Faces are followed only where that finds what whole looks find."""

from itertools import pairwise

import numpy as np
import pytest
from facenet_pytorch import MTCNN
from PIL import Image
from skimage.data import astronaut

from tcnsc_lib.faces import detect, follow
from tcnsc_lib.faces.detect import Candidates, FaceFinder
from tcnsc_lib.faces.follow import FEWEST, SPAN, is_close, looked
from tcnsc_lib.faces.tracks import overlap_of
from tcnsc_lib.faces.video import Film
from tcnsc_lib.machine import threads
from tcnsc_lib.synthetic.motion import motion
from tcnsc_lib.synthetic.people import person
from tcnsc_lib.synthetic.render import render

LEFT = [20, 20, 60, 60]
RIGHT = [100, 20, 140, 60]
COUNT = 2 * SPAN + 1
FILM = Film(height=100, width=160, frames=COUNT, rate=25.0)
NUMBERS = np.arange(COUNT)
BETWEEN = set(range(COUNT)) - {0, SPAN, 2 * SPAN}


class Finder(FaceFinder):
    """Sees what `scene` says of a frame, whose first pixel is its number; notes who looked."""

    def __init__(self, scene: list[list], unseen: tuple = ()) -> None:
        self.min_probability = 0.9
        self.scene = [np.array(boxes, float).reshape(-1, 4) for boxes in scene]
        self.unseen = unseen
        self.looked_at: list[int] = []

    def faces(self, boxes: np.ndarray) -> Candidates:
        count = len(boxes)
        faces = Candidates(boxes, np.ones(count), np.zeros((count, 5, 2)), np.zeros(count))
        return self.ranked((FILM.height, FILM.width), faces)

    def all(self, frames: np.ndarray) -> list[Candidates]:
        return [self.whole(frame) for frame in frames]

    def whole(self, frame: np.ndarray) -> Candidates:
        number = int(frame[0, 0, 0])
        self.looked_at.append(number)
        return self.faces(self.scene[number])

    def near(self, frames, places: np.ndarray) -> list[Candidates]:
        found = []
        for frame in frames:
            i = int(frame[0, 0, 0])
            boxes = self.scene[i] if i not in self.unseen else []
            there = [each for each in boxes if lies_at(each, places)]
            found.append(self.faces(np.array(there).reshape(-1, 4)))
        return found


def lies_at(box: np.ndarray, places: np.ndarray) -> bool:
    return any(overlap_of(box, place) > 0 for place in places)


def numbered(count: int = COUNT) -> np.ndarray:
    frames = np.zeros((count, FILM.height, FILM.width, 3), np.uint8)
    frames[:, 0, 0, 0] = np.arange(count)
    return frames


def seen(finder: Finder, count: int = COUNT) -> list[list]:
    """The boxes found in each frame."""
    found = looked(iter(numbered(count)), FILM, np.arange(count), finder)
    return [faces.boxes.tolist() for faces in found]


def test_faces_that_stay_are_looked_for_whole_in_every_span_once():
    finder = Finder([[LEFT, RIGHT]] * COUNT)
    assert [sorted(boxes) for boxes in seen(finder)] == [[LEFT, RIGHT]] * COUNT
    assert finder.looked_at == [0, SPAN, 2 * SPAN]


def test_a_last_span_that_is_shorter_ends_with_a_whole_look():
    finder = Finder([[LEFT]] * (COUNT + 4))
    assert seen(finder, COUNT + 4) == [[LEFT]] * (COUNT + 4)
    assert finder.looked_at == [0, SPAN, 2 * SPAN, COUNT + 3]


def test_two_faces_are_ranked_as_in_the_whole_frame():
    finder = Finder([[[20, 20, 50, 50], [70, 30, 110, 70]]] * COUNT)
    frames = looked(iter(numbered()), FILM, NUMBERS, finder)
    for faces in frames:
        assert faces.boxes[:, 0].tolist() == [70, 20]
        assert faces.weights[0] > faces.weights[1] > 0


@pytest.mark.parametrize("after", [[RIGHT], [LEFT, RIGHT], []], ids=["cut", "enters", "leaves"])
def test_after_a_cut_or_when_somebody_comes_or_leaves_all_between_are_looked_at_whole(after):
    scene = [[LEFT]] * (SPAN + 5) + [after] * (COUNT - SPAN - 5)
    finder = Finder(scene)
    assert [sorted(boxes) for boxes in seen(finder)] == scene
    assert sorted(finder.looked_at) == [0, *range(SPAN, COUNT)]


def test_no_face_at_either_end_is_no_reason_not_to_look_between():
    scene = [[]] * COUNT
    scene[5] = [LEFT]
    finder = Finder(scene)
    assert seen(finder) == scene


def test_a_frame_where_the_face_is_not_found_near_is_looked_at_whole():
    finder = Finder([[LEFT]] * COUNT, unseen=(3, 4))
    assert seen(finder) == [[LEFT]] * COUNT
    assert sorted(finder.looked_at) == [0, 3, 4, SPAN, 2 * SPAN]


def test_a_frame_with_another_face_near_is_looked_at_whole():
    beside = [55, 20, 95, 60]
    scene = [[LEFT]] * COUNT
    scene[7] = [LEFT, beside]
    finder = Finder(scene)
    assert sorted(seen(finder)[7]) == [LEFT, beside]
    assert 7 in finder.looked_at


@pytest.mark.parametrize(
    ("film", "numbers", "close"),
    [
        (FILM, np.arange(FEWEST), True),
        (FILM, np.arange(FEWEST - 1), False),  # the demo's six
        (FILM, 3 * np.arange(FEWEST), True),
        (FILM, 4 * np.arange(FEWEST), False),
        (Film(100, 160, COUNT, 0.0), np.arange(FEWEST), False),
        (Film(100, 160, COUNT, 5.0), np.arange(FEWEST), False),
    ],
)
def test_frames_are_followed_only_where_many_lie_close(film, numbers, close):
    assert is_close(film, numbers) == close
    finder = Finder([[LEFT]] * 255)
    list(looked(iter(numbered(len(numbers))), film, numbers, finder))
    assert (len(finder.looked_at) < len(numbers)) == close


def test_of_large_frames_a_span_has_fewer(monkeypatch):
    monkeypatch.setattr(follow, "HELD", 5 * FILM.height * FILM.width)
    finder = Finder([[LEFT]] * COUNT)
    assert seen(finder) == [[LEFT]] * COUNT
    assert max(after - before for before, after in pairwise(finder.looked_at)) == 5


# ---------------------------------------------------------------- MTCNN itself


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    poses = motion(5, 4)
    return np.stack([render(person(5), pose, 200, seed=t)[0] for t, pose in enumerate(poses)])


@pytest.fixture(scope="module")
def frames(clip) -> np.ndarray:
    """Those of the clip, each inside a larger scene."""
    return np.pad(clip, ((0, 0), (30, 50), (70, 10), (0, 0)), mode="edge")


def check_same(found: list[Candidates], frames: np.ndarray) -> None:
    """Boxes, landmarks and probabilities are those of facenet's default MTCNN."""
    with threads(2):
        expected = MTCNN(keep_all=True).detect(frames, landmarks=True)
    assert len(found) == len(frames)
    for faces, boxes, probabilities, points in zip(found, *expected, strict=True):
        np.testing.assert_allclose(faces.boxes, boxes.astype(float), atol=0.01)
        np.testing.assert_allclose(faces.landmarks, points.astype(float), atol=0.01)
        np.testing.assert_allclose(faces.probabilities, probabilities.astype(float), atol=1e-4)


def test_a_face_found_near_has_the_box_of_mtcnn_in_the_whole_frame(finder, frames):
    box = MTCNN(keep_all=True).detect(frames[0])[0][0].astype(float)
    moved = box + [3, -4, 5, 2]
    there_or_beside = np.stack([moved, moved - 40])
    for places in (moved[None], there_or_beside):
        check_same(finder.near(list(frames), places), frames)


def test_a_face_found_in_the_whole_frame_has_the_box_of_mtcnn_too(finder, frames):
    check_same([finder.whole(frame) for frame in frames], frames)


def test_far_from_where_a_face_should_be_none_is_found(finder, frames):
    corner = np.array([[0.0, 0, 60, 60]])
    assert not any(map(len, finder.near(list(frames), corner)))


def test_where_no_face_is_none_is_found(finder):
    frames = list(np.full((2, 120, 160, 3), 90, np.uint8))
    places = np.array([[40.0, 30, 90, 90]])
    assert [len(faces) for faces in finder.near(frames, places)] == [0, 0]
    assert len(finder.whole(frames[0])) == 0
    assert len(finder.whole(np.zeros((9, 9, 3), np.uint8))) == 0


def test_the_smallest_faces_are_found_in_the_whole_frame_as_everywhere(finder):
    frame = np.full((720, 1280, 3), 128, np.uint8)
    face = Image.fromarray(astronaut()[20:220, 120:320]).resize((80, 80))
    frame[300:380, 600:680] = face  # 44 pixels high; 60 are a twelfth of the frame
    [expected] = finder.all(frame[None])
    found = finder.whole(frame)
    assert len(found) == len(expected) == 1
    assert overlap_of(found.boxes[0], expected.boxes[0]) > 0.8


def test_large_frames_are_looked_at_in_a_smaller_copy(finder, frames, monkeypatch):
    large = np.asarray(Image.fromarray(frames[0]).resize((561, 559)))
    exact = finder.whole(large)
    monkeypatch.setattr(detect, "LARGEST", 559 * 561 - 1)
    for found in (finder.whole(large), *finder.near([large], exact.boxes)):
        assert overlap_of(found.boxes[0], exact.boxes[0]) > 0.8
        again = finder.ranked(large.shape[:2], found)
        assert again.weights[0] == found.weights[0]
