"""Pieces of an extraction: what can't be read is made again, and nothing is dropped for good."""

import json
import multiprocessing
import os
from pathlib import Path

import pytest
from tiny import SETTINGS, SIZE, noise, row

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import FaceSet

OF = [10, "0123456789abcdef"]
DOUBTFUL = {"video": "a", "method": "original", "split": "val", "frame": 1, "faces": 3}


def add(builder: Builder, video: str = "a", seed: int = 0) -> tuple[str, str]:
    """Two crops of a video, and its key."""
    rows = [row(video, frame, "val", "original") for frame in range(2)]
    crops = list(noise(2, SIZE, SIZE, 3, seed=seed))
    builder.add("original", video, rows, crops, [], of=OF)
    return "original", video


def without(entry: str) -> str:
    def drop(text: str) -> str:
        piece = json.loads(text)
        del piece["rows"][0][entry]
        return json.dumps(piece)

    return drop


def changed(**entries) -> str:
    def change(text: str) -> str:
        piece = json.loads(text)
        piece["rows"][0].update(entries)
        return json.dumps(piece)

    return change


def twice(text: str) -> str:
    piece = json.loads(text)
    piece["rows"] += piece["rows"]
    return json.dumps(piece)


DAMAGE = {
    "empty": lambda text: "",
    "cut": lambda text: text[: len(text) // 2],
    "zeros": lambda text: "\0" * len(text),
    "a list": lambda text: "[]",
    "null": lambda text: "null",
    "a number": lambda text: "3",
    "no rows": lambda text: json.dumps({"of": OF, "missed": []}),
    "rows that are null": lambda text: json.dumps({"of": OF, "rows": None, "missed": []}),
    "rows of text": lambda text: json.dumps({"of": OF, "rows": ["a"], "missed": []}),
    "a row without a box": without("x0"),
    "a row without its checksum": without("crc"),
    "a label of 2": changed(label=2),
    "a label of text": changed(label="1"),
    "a box of text": changed(x0="left"),
    "a box far away": changed(x0=1e9),
    "another video": changed(video="b"),
    "another method": changed(method="swap"),
    "a crop elsewhere": changed(file="crops/val/real/b/0000.png"),
    "a crop outside": changed(file="../../outside.png"),
    "rows that are there twice": twice,
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_piece_isnt_done_and_is_made_again(tmp_path, how):
    builder = Builder(tmp_path, SETTINGS)
    key = add(builder)
    whole = builder.finish([key]).fingerprint
    assert builder.done(*key, OF)
    path = builder.piece(*key)
    path.write_text(DAMAGE[how](path.read_text()))
    assert not builder.done(*key, OF)
    with pytest.raises(CompanionError, match="run `tcnsc faces` again") as told:
        builder.finish([key])
    assert str(path) in str(told.value)
    add(builder)
    assert builder.done(*key, OF)
    assert builder.finish([key]).fingerprint == whole


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_piece_that_is_no_file_isnt_done(tmp_path, put):
    builder = Builder(tmp_path, SETTINGS)
    key = add(builder)
    builder.piece(*key).unlink()
    put(builder.piece(*key))
    assert not builder.done(*key, OF)
    add(builder)
    assert builder.done(*key, OF)


def test_a_piece_of_another_file_isnt_done(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    key = add(builder)
    assert not builder.done(*key, [10, "another"])
    assert not builder.done(*key)


def test_overlong_names_are_shortened_and_stay_apart(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    names = ["a" * 240, "a" * 240 + "1", "ü" * 120, "ü" * 120 + "1"]
    keys = [add(builder, f"{name}/{name}", seed) for seed, name in enumerate(names)]
    faces = builder.finish(keys)
    assert faces.manifest.video.nunique() == len(names)
    for file in faces.manifest.file:
        faces.load(file)
        assert max(len(step.encode()) for step in file.split("/")) <= 150


def test_what_is_doubtful_is_listed_and_stays_with_its_piece(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    doubtful = [DOUBTFUL | {"taken": "its track"}]
    rows = [row("a", 0, "val", "original")]
    builder.add("original", "a", rows, [noise(SIZE, SIZE, 3)], [], of=OF, doubtful=doubtful)
    key = add(builder, "b")
    faces = Builder(tmp_path, SETTINGS).finish([("original", "a"), key])
    assert faces.doubtful.to_dict("records") == doubtful
    assert FaceSet(tmp_path).doubtful.equals(faces.doubtful)


def test_why_there_is_no_face_is_told_with_counts(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    missed = {"video": "a", "method": "original", "split": "val", "frame": 0, "reason": "no face"}
    builder.add("original", "a", [], [], [missed, missed | {"frame": 1}])
    failed = {("original", "b"): missed | {"reason": "b.mp4 doesn't decode"}}
    with pytest.raises(CompanionError, match=r"\(no face: 2, b.mp4 doesn't decode: 1\); mend that"):
        builder.finish([("original", "a"), ("original", "b")], failed)


@pytest.mark.parametrize(
    ("lacks", "told"), [("original", "no real faces"), ("swap", "no fakes"), ("", "no crops")]
)
def test_a_part_of_one_kind_is_told(tmp_path, lacks, told):
    builder = Builder(tmp_path, SETTINGS)
    keys = []
    for part in ("train", "val"):
        for method in ("original", "swap"):
            if part == "train" or method != lacks:
                about = [row(part, 0, part, method)]
                builder.add(method, part, about, [noise(SIZE, SIZE, 3)], [])
                keys.append((method, part))
    faces = builder.finish(keys)
    faces.check_part("train")
    with pytest.raises(CompanionError, match=f"the {'val' if lacks else 'test'} part has {told}"):
        faces.check_part("val" if lacks else "test")


def fill(root: Path) -> None:
    builder = Builder(root, SETTINGS)
    keys = [add(builder, f"{number:03d}", number) for number in range(8)]
    builder.finish(keys).images("LQ", "val")


def test_two_processes_at_once_give_what_one_gives(tmp_path):
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=fill, args=(tmp_path / "both",)) for _ in range(2)]
    for process in both:
        process.start()
    fill(tmp_path / "one")
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    one = sorted((tmp_path / "one").rglob("*.*"))
    assert len(one) == 16 + 8 + 4 + 2
    for path in one:
        twin = tmp_path / "both" / path.relative_to(tmp_path / "one")
        if path.parent.name != "arrays" or path.suffix == ".npy":
            assert twin.read_bytes() == path.read_bytes()
