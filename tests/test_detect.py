"""Finding faces and cutting them out: the main one of a frame, and nothing beside it."""

import numpy as np
import pytest
from main_faces import main_faces
from PIL import Image
from skimage import data

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.detect import FaceFinder, crop, square, to_crop

CENTRAL = [120, 60, 180, 140]
CUT_BY_BORDER = [250, 0, 330, 110]
SMALL = [145, 95, 155, 105]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


# ---------------------------------------------------------------- from the frame to the crop


def test_a_point_of_the_frame_in_its_crop_by_hand():
    box = np.array([10.0, 20.0, 30.0, 60.0])  # enlarged by 1.5: 60 pixels from (-10, 10) on
    points = np.array([[20.0, 40.0], [-10.0, 10.0], [49.0, 69.0], [19.5, 39.5]])
    # half as large: the first, last and middle pixel
    by_hand = [[14.75, 14.75], [-0.25, -0.25], [29.25, 29.25], [14.5, 14.5]]
    np.testing.assert_allclose(to_crop(points, box, 30, 1.5), by_hand)
    in_pairs = to_crop(points.reshape(2, 2, 2), box, 60, 1.5)
    np.testing.assert_allclose(in_pairs.reshape(4, 2), points + [10, -10])


@pytest.mark.parametrize("size", [20, 40, 96])
@pytest.mark.parametrize(("x", "y"), [(31.5, 23.5), (20, 30), (44, 12)], ids=str)
def test_what_is_at_a_point_of_the_frame_is_at_that_point_of_the_crop(size, x, y):
    box = np.array([16.0, 8, 48, 40])
    rows, columns = np.indices((64, 64))
    spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    frame = np.repeat(spot.astype(np.uint8)[..., None], 3, 2)
    weight = crop(frame, box, size, 1.875)[..., 0].astype(float)  # 60 pixels, over the top
    pixels = np.arange(size)
    found = [(weight.sum(axis) * pixels).sum() / weight.sum() for axis in (0, 1)]
    np.testing.assert_allclose(found, to_crop((x, y), box, size, 1.875), atol=0.1)
    if (x, y) == (31.5, 23.5):  # the middle of the box
        np.testing.assert_allclose(found, [(size - 1) / 2] * 2, atol=0.1)


@pytest.mark.parametrize(
    ("enlarge", "expected"), [(1.0, (0, 20, 40)), (1.5, (-10, 10, 60)), (0.5, (10, 30, 20))]
)
def test_square_on_the_longer_side_about_the_centre(enlarge, expected):
    assert square(np.array([10.0, 20.0, 30.0, 60.0]), enlarge) == expected


def test_crop_of_a_box_of_its_own_size_is_the_frame(size=32):
    frame = noise(60, 80, 3)
    expected = frame[5:37, 8:40]
    np.testing.assert_array_equal(crop(frame, np.array([8, 5, 40, 37]), size, 1.0), expected)
    np.testing.assert_array_equal(crop(frame, np.array([16, 13, 32, 29]), size, 2.0), expected)


def test_crop_over_the_border_repeats_the_edge():
    frame = noise(40, 50, 3)
    padded = np.pad(frame, ((20, 20), (20, 20), (0, 0)), mode="edge")
    for x0, y0 in ((-6, -9), (30, 20), (-6, 20), (5, 15)):
        got = crop(frame, np.array([x0, y0, x0 + 30, y0 + 30]), 30, 1.0)
        np.testing.assert_array_equal(got, padded[y0 + 20 : y0 + 50, x0 + 20 : x0 + 50])


def test_crop_keeps_the_aspect_ratio():
    rows, columns = np.mgrid[:100, :100]
    disc = 255 * (np.hypot(rows - 50, columns - 50) < 20)
    frame = np.repeat(disc[..., None], 3, 2).astype(np.uint8)
    face = crop(frame, np.array([40.0, 30.0, 60.0, 70.0]), 64, 1.3)[..., 0] > 127
    wide = int(face.any(0).sum())
    high = int(face.any(1).sum())
    assert abs(wide - high) <= 1
    assert wide == pytest.approx(64 * 40 / 52, abs=2)


# ---------------------------------------------------------------- the main face


def test_finder_finds_the_astronaut_and_nothing_in_noise(finder):
    image = data.astronaut()
    faces = main_faces(finder, np.stack([image, noise(*image.shape)]))
    x0, y0, x1, y1 = faces.boxes[0]
    assert faces.probabilities[0] > 0.99
    assert 60 < x1 - x0 < 130
    assert 80 < y1 - y0 < 150
    x, y = faces.landmarks[0].T
    assert ((x0 < x) & (x < x1)).all()
    assert ((y0 < y) & (y < y1)).all()
    assert x[0] < x[1]
    assert x[3] < x[4]
    assert y[:2].max() < y[2] < y[3:].min()
    for part in (faces.boxes, faces.probabilities, faces.landmarks):
        assert np.isnan(part[1]).all()


def test_frames_smaller_than_any_face_have_none(finder):
    faces = main_faces(finder, noise(3, 19, 40, 3))
    assert faces.boxes.shape == (3, 4)
    assert faces.probabilities.shape == (3,)
    assert faces.landmarks.shape == (3, 5, 2)
    assert np.isnan(faces.boxes).all()


class Sees:
    """Stands in for MTCNN: the same faces in every frame; None fails as MTCNN does."""

    def __init__(self, boxes: list | None, probabilities: list) -> None:
        self.boxes = boxes
        self.probabilities = probabilities
        self.shapes = []

    def detect(self, frames, landmarks):
        self.shapes.append(frames.shape)
        if self.boxes is None:
            raise RuntimeError("expected a non-empty list of Tensors\nat line 3")
        points = np.arange(len(self.boxes) * 10, dtype=float).reshape(-1, 5, 2)
        each = [self.boxes, self.probabilities, points] if self.boxes else [None, [None], None]
        return [[part] * len(frames) for part in each]


def seeing(monkeypatch, finder: FaceFinder, boxes: list | None, probabilities: list) -> Sees:
    sees = Sees(boxes, probabilities)
    monkeypatch.setattr(finder, "mtcnn", sees)
    return sees


FRAME = np.zeros((1, 200, 300, 3), np.uint8)


@pytest.fixture
def main_of(finder, monkeypatch):
    """main_of(boxes, probabilities): box, probability and first landmark of the main face."""

    def main_of(boxes: list, probabilities: list) -> list:
        seeing(monkeypatch, finder, boxes, probabilities)
        faces = main_faces(finder, FRAME)
        return [faces.boxes[0].tolist(), faces.probabilities[0], faces.landmarks[0, 0, 0]]

    return main_of


def test_main_face_is_central_before_larger_and_larger_before_smaller(main_of):
    assert main_of([CUT_BY_BORDER, CENTRAL], [1.0, 0.95]) == [CENTRAL, 0.95, 10]
    assert main_of([CENTRAL, SMALL], [0.95, 1.0]) == [CENTRAL, 0.95, 0]


def test_an_improbable_face_is_none(main_of):
    assert main_of([CENTRAL, SMALL], [0.89, 0.91]) == [SMALL, 0.91, 10]
    assert np.isnan(main_of([CENTRAL], [0.89])[0]).all()
    assert np.isnan(main_of([], [])[0]).all()


def test_all_probable_faces_come_the_main_one_first(finder, monkeypatch):
    seeing(monkeypatch, finder, [SMALL, CUT_BY_BORDER, CENTRAL], [0.95, 0.8, 1.0])
    faces = finder.all(np.repeat(FRAME, 3, 0))
    assert [found.boxes.tolist() for found in faces] == [[CENTRAL, SMALL]] * 3
    assert faces[0].probabilities.tolist() == [1.0, 0.95]
    assert faces[0].landmarks[:, 0, 0].tolist() == [20, 0]
    assert faces[0].weights[0] > faces[0].weights[1] > 0


def test_large_frames_are_looked_at_in_a_smaller_copy_and_few_at_once(finder, monkeypatch):
    sees = seeing(monkeypatch, finder, [[600, 400, 700, 500]], [1.0])
    faces = finder.all(np.zeros((2, 2160, 3840, 3), np.uint8))
    assert sees.shapes == [(1, 1080, 1920, 3)] * 2
    assert faces[1].boxes.tolist() == [[1200, 800, 1400, 1000]]
    assert faces[1].landmarks[0, 0].tolist() == [0, 2]
    finder.all(np.zeros((5, 1080, 1920, 3), np.uint8))  # full HD isn't made smaller
    assert sees.shapes[2:] == [(4, 1080, 1920, 3), (1, 1080, 1920, 3)]


def test_a_shape_at_which_mtcnn_fails_is_told(finder, monkeypatch):
    seeing(monkeypatch, finder, None, [])
    with pytest.raises(CompanionError, match=r"300 x 200 pixels \(expected a non-empty list of T"):
        finder.all(FRAME)


def test_central_face_is_found_beside_a_larger_one_cut_by_the_border(finder):
    face = data.astronaut()[20:220, 120:320]  # its face: about 87 x 110 pixels at (61, 42)
    picture = np.full((260, 560, 3), 128, np.uint8)
    picture[30:230, 180:380] = face
    large = np.asarray(Image.fromarray(face).resize((280, 280)))
    picture[:, 390:] = large[:260, :170]
    x0, _, x1, _ = main_faces(finder, picture[None]).boxes[0]
    assert x0 > 200
    assert x1 < 360
