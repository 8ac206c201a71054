"""What the names of files tell is told before faces are looked for, and before any training."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from commands import at_home, fail_after, refusal

from tcnsc_lib import CompanionError, experiments, profiles
from tcnsc_lib.detectors.fwa import FWA
from tcnsc_lib.experiments import DUAL, EXPERIMENTS, ready
from tcnsc_lib.faces import layout
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.profiles import FFPP, FFPP_C23, FFPP_OFFICIAL, PROFILES

PAIRS = {"train": "000_001", "val": "002_003", "test": "004_005"}


def copied(root: Path, quality: str, left_out: tuple = ()) -> None:
    """A pair in each part, by the official split, as empty files; but for some names."""
    for fake in PAIRS.values():
        for method, stems in (("Deepfakes", [fake]), ("original", fake.split("_"))):
            place = layout.folder(root, method, quality)
            place.mkdir(parents=True, exist_ok=True)
            for stem in set(stems) - set(left_out):
                (place / f"{stem}.mp4").touch()
    (root / "splits").mkdir(exist_ok=True)
    for part, fake in PAIRS.items():
        (root / "splits" / f"{part}.json").write_text(json.dumps([fake.split("_")]))


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """Where FaceForensics++ is expected; whoever looks for faces there fails."""
    home = at_home(tmp_path / "home", monkeypatch)
    looked = fail_after(0, None, AssertionError("it looked for faces"))
    monkeypatch.setattr(FaceForensics, "faces", looked)
    return home / "data/ffpp"


def official(p: profiles.Profile) -> profiles.Profile:
    return replace(p, split="official")


def said(names, p) -> list[str]:
    asked = {name: EXPERIMENTS[name] for name in names}
    return [one.said(p) for one in ready.lacks(asked, p)]


# ---------------------------------------------------------------- qualities


def test_table_3_without_c40_is_one_sentence_before_anything_is_made(root, capsys, monkeypatch):
    copied(root, "c23")
    monkeypatch.setitem(PROFILES, "ffpp-c23", official(FFPP_C23))
    sentence = refusal(capsys, ("table", "3", "--profile", "ffpp-c23"), 1)
    place = layout.folder(root, "original", "c40")
    assert f"Xception-C40 can't be trained: no videos (*.mp4) in {place}; " in sentence
    assert not (root.parent / "faces").exists()
    assert not (root.parents[1] / "runs").exists()


def test_tables_1_and_2_need_no_c40_and_table_3_no_more_than_it(root):
    copied(root, "c23")
    p = official(FFPP_C23)
    for table, count in (("1", 0), ("2", 0), ("3", 1)):
        names = {name for name, _ in experiments.jobs(table, p)}
        assert len(said(names, p)) == count
    copied(root, "c40")
    assert said(EXPERIMENTS, p) == []


def test_a_copy_without_raw_is_told_before_what_few_rows_lack(root):
    copied(root, "c23")
    first, *rest = said(EXPERIMENTS, FFPP_OFFICIAL)
    assert "or profile ffpp-c23 takes the c23 copy for RAW" in first
    assert first.startswith(f"No videos (*.mp4) in {layout.folder(root, 'original', 'raw')}; ")
    [last] = rest
    assert last.startswith("Xception-C40 can't be trained: no videos")


def test_c40_without_its_fakes_is_told_too(root):
    copied(root, "c23")
    copied(root, "c40", left_out=tuple(PAIRS.values()))
    [sentence] = said(EXPERIMENTS, official(FFPP_C23))
    assert "manipulated_sequences/Deepfakes/c40/videos" in sentence


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize(
    ("left_out", "part", "what"),
    [
        ("000_001", "train", "fakes"),
        ("002_003", "val", "fakes"),
        ("004_005", "test", "fakes"),
    ],
)
@pytest.mark.parametrize("command", [("train", DUAL), ("table", "1"), ("study",)], ids=" ".join)
def test_a_part_without_a_class_is_refused_by_every_training(
    root, capsys, command, left_out, part, what
):
    copied(root, "raw", left_out=(left_out,))
    sentence = refusal(capsys, (*command, "--profile", "ffpp-official"), 1)
    assert f"{root}: the {part} part has no {what} among its raw videos; bring" in sentence


def test_a_part_without_real_faces_or_without_any_video_is_called_that(root):
    copied(root, "raw", left_out=("002", "003", "004", "005", "004_005"))
    [sentence] = said([DUAL], FFPP_OFFICIAL)
    assert "the val part has no real faces" in sentence
    copied(root, "raw")
    for path in root.rglob("00[45]*.mp4"):
        path.unlink()
    [sentence] = said([DUAL], FFPP_OFFICIAL)
    assert "the test part has no videos" in sentence


def test_who_trains_on_real_faces_alone_needs_no_training_fakes(root):
    copied(root, "raw", left_out=("000_001",))
    assert FWA.real_only
    assert said(["FWA"], FFPP_OFFICIAL) == []
    assert len(said([DUAL], FFPP_OFFICIAL)) == 1


def test_a_split_that_cant_be_read_is_told(root):
    copied(root, "raw")
    (root / "splits/val.json").unlink()
    with pytest.raises(CompanionError, match="splits/val.json is not there"):
        ready.check({DUAL: EXPERIMENTS[DUAL]}, FFPP_OFFICIAL)


def test_names_of_photographs_tell_nothing(root):
    assert said(EXPERIMENTS, PROFILES["photos"]) == []
    assert said([], FFPP) == []
