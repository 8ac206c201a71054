"""Faces of photographs are found in fixed batches; notes that don't fit are made anew."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import portraits
from tcnsc_lib.faces.album import album
from tcnsc_lib.faces.detect import BATCH, Candidates
from tcnsc_lib.faces.masks import TEMPLATE
from tcnsc_lib.faces.portraits import find, signature_of


class Finder:
    """Two faces in every picture; keeps how many it was given at once."""

    calls: list[int] = []

    def __init__(self, device: str) -> None:
        self.calls.clear()

    def all(self, frames: np.ndarray) -> list[Candidates]:
        self.calls.append(len(frames))
        if frames.shape[1] == 33:
            raise CompanionError("MTCNN can't")
        boxes = np.array([[2, 2, 30, 30], [0, 0, 9, 9.0]])
        points = np.stack([TEMPLATE * 30, TEMPLATE * 9])
        return [Candidates(boxes, np.array([0.99, 0.95]), points, np.array([2, 1.0]))] * len(frames)


@pytest.fixture
def search(tmp_path, monkeypatch):
    """A function that looks through an album of 70 pictures: notes, and batches of this search."""
    monkeypatch.setattr(portraits, "FaceFinder", Finder)
    rng = np.random.default_rng(0)
    for i in range(70):
        path = tmp_path / f"album/{i // 10}/{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path)

    def look():
        photos = album(tmp_path / "album").photos
        signatures = [signature_of(photo.path) for photo in photos]
        found = find(photos, signatures, tmp_path / "boxes")
        return found, list(Finder.calls)

    return look


def notes(folder: Path) -> list[Path]:
    return sorted(folder.glob("boxes/*/*.json"))


def test_faces_are_found_in_fixed_batches_and_only_once(search):
    found, batches = search()
    assert batches == [BATCH, BATCH, 70 - 2 * BATCH]
    face = found["0/00-png"].face
    assert face.faces == 2
    assert face.box == (2, 2, 30, 30)
    assert len({portrait.face.pixels for portrait in found.values()}) == 70
    again, batches = search()
    assert batches == []
    assert again == found


def test_an_incomplete_batch_is_found_anew_as_a_whole(search, tmp_path):
    found, _ = search()
    for path in notes(tmp_path)[40:50]:
        path.unlink()
    again, batches = search()
    assert batches == [BATCH]
    assert again == found


@pytest.mark.parametrize("damage", ["", "[]", "null", "7", '{"batch": 1}', '{"batch": "x"}', "\0"])
def test_a_damaged_note_is_found_anew(search, tmp_path, damage):
    found, _ = search()
    notes(tmp_path)[3].write_text(damage)
    again, batches = search()
    assert batches == [BATCH]
    assert again == found


def test_a_note_whose_numbers_do_not_fit_is_found_anew(search, tmp_path):
    found, _ = search()
    path = notes(tmp_path)[69]
    wrong = json.loads(path.read_text())
    wrong["face"]["box"][0] = 1e9
    path.write_text(json.dumps(wrong))
    again, batches = search()
    assert batches == [70 - 2 * BATCH]
    assert again == found


def test_a_replaced_photograph_is_found_anew(search, tmp_path):
    found, _ = search()
    Image.new("RGB", (32, 32)).save(tmp_path / "album/6/69.png")
    again, batches = search()
    assert batches == [70 - 2 * BATCH]
    assert again["6/69-png"].face.pixels != found["6/69-png"].face.pixels


def test_a_copy_of_the_photographs_is_not_searched_again(search, tmp_path):
    found, _ = search()
    for path in (tmp_path / "album").rglob("*.png"):
        os.utime(path, (0, 0))  # as copied by what keeps no times
    again, batches = search()
    assert batches == []
    assert again == found


def test_one_bad_photograph_costs_itself(search, tmp_path):
    (tmp_path / "album/0/00.png").write_text("no picture")
    (tmp_path / "album/0/01.png").unlink()
    (tmp_path / "album/0/01.png").symlink_to("nowhere")
    Image.new("RGB", (33, 33)).save(tmp_path / "album/0/02.png")
    found, batches = search()
    assert batches == [1, BATCH - 3, BATCH, 70 - 2 * BATCH]
    reasons = {name: portrait.reason for name, portrait in found.items() if portrait.reason}
    assert list(reasons) == ["0/00-png", "0/01-png", "0/02-png"]
    assert "its format is unknown" in reasons["0/00-png"]
    assert "is a link to nothing" in reasons["0/01-png"]
    assert reasons["0/02-png"] == "MTCNN can't"
    assert search()[1] == []


def test_few_large_photographs_are_held_at_once(search, tmp_path):
    for i in range(3):
        Image.new("RGB", (2400, 2100)).save(tmp_path / f"album/0/0{i}.png")
    _, batches = search()
    assert batches == [1, 1, 1, BATCH - 3, BATCH, 70 - 2 * BATCH]
