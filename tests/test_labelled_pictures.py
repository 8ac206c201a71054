"""A folder of labelled pictures as a source: parts, people, crops, and what would mislead."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Central
from made_pictures import SIDE, as_jpeg, blocks, divided, save, table, undivided
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import leaks, looks, portraits
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import Candidates, crop
from tcnsc_lib.faces.division import Divided
from tcnsc_lib.faces.labelled_pictures import Pictures, whole
from tcnsc_lib.faces.opening import open_image
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.splits import audit
from tcnsc_lib.faces.store import SPLITS, FaceSet

CUT = FaceSettings(size=24, found="cut")
FOUND = FaceSettings(size=24, enlarge=1.3)


def source(root: Path, settings: FaceSettings = CUT, seed: int = 0) -> Pictures:
    named = {**vars(settings), "seed": seed}
    return Pictures(root, root.parent / f"{root.name}-faces", FaceSettings(**named))


def told(found: Divided) -> dict[str, list[str]]:
    """Kind of a leak -> its sentences; kinds without one are left out."""
    return {one.kind: one.each for one in leaks.leaks(found) if one.each}


def warned(found: Divided) -> set[str]:
    confounds, _ = leaks.format_confounds(found)
    return set(confounds[confounds.warns].what)


@pytest.fixture
def central(monkeypatch) -> None:
    monkeypatch.setattr(portraits, "FaceFinder", Central)
    monkeypatch.setattr(portraits.donors, "descriptor", lambda image, points: np.zeros(2))
    monkeypatch.setattr(portraits.donors, "is_monochrome", lambda image, points: False)


# ---------------------------------------------------------------- parts and people


def test_undivided_pictures_are_divided_70_15_15_each_kind_by_itself(tmp_path):
    found = source(undivided(tmp_path / "p", 20)).examined()
    counts = pd.crosstab([picture.label for picture in found.pictures], found.splits)
    assert counts[list(SPLITS)].to_numpy().tolist() == [[14, 3, 3]] * 2
    assert source(tmp_path / "p").examined().splits == found.splits
    assert source(tmp_path / "p", seed=1).examined().splits != found.splits


def test_a_persons_pictures_and_near_duplicates_stay_in_one_part(tmp_path):
    root = undivided(tmp_path / "p", 20)
    rows = [f"real/{i:02d}.png,P{i // 4}" for i in range(20)]
    rows += [f"fake/{i:02d}.png,P{i // 4}" for i in range(10)]
    table(root, *rows, columns="file,person")
    for i in range(10, 20):  # a fake of nobody, and its copy among the real ones
        save(root / "real" / f"copy-{i}.png", as_jpeg(blocks(1000 + i), 40))
    found = source(root).examined()
    parts = {one.file: part for one, part in zip(found.pictures, found.splits, strict=True)}
    for i in range(20):
        assert parts[f"real/{i:02d}.png"] == parts[f"real/{i - i % 4:02d}.png"]
    assert all(parts[f"fake/{i:02d}.png"] == parts[f"real/{i:02d}.png"] for i in range(10))
    assert all(parts[f"fake/{i}.png"] == parts[f"real/copy-{i}.png"] for i in range(10, 20))
    assert set(parts.values()) == set(SPLITS)
    assert told(found) == {}


def test_an_identity_is_the_person_else_the_group_of_near_duplicates(tmp_path):
    root = divided(tmp_path / "p", 2)
    save(root / "train" / "real" / "02.png", as_jpeg(blocks(0), 50))
    save(root / "train" / "real" / "03.png", as_jpeg(blocks(1), 50))
    table(root, "train/real/03.png,Ann", "train/fake/00.png,Bea", columns="file,person")
    found = source(root).examined()
    whose = {one.file: name for one, name in zip(found.pictures, found.identities, strict=True)}
    assert whose["train/real/00.png"] == whose["train/real/02.png"] == "train/real/00-png"
    assert whose["train/real/01.png"] == whose["train/real/03.png"] == "Ann"
    assert whose["train/fake/00.png"] == "Bea"
    assert whose["train/fake/01.png"] == "train/fake/01-png"


def test_too_few_people_to_divide_is_one_sentence(tmp_path):
    with pytest.raises(CompanionError, match="leaves no pictures that can be opened in test;"):
        source(undivided(tmp_path / "p", 3)).examined()


def test_a_given_part_whose_fakes_cant_be_opened_is_one_sentence_and_leaves_nothing(tmp_path):
    root = divided(tmp_path / "p", 2)
    for path in (root / "test" / "fake").iterdir():
        path.write_text("version https://git-lfs.github.com/spec/v1")
    ours = source(root)
    with pytest.raises(CompanionError, match="leaves no fakes that can be opened in test; bring"):
        ours.faces()
    assert not (ours.out / "raw").exists()


# ---------------------------------------------------------------- leaks and confounds


def test_a_clean_folder_has_no_warning(tmp_path):
    for root in (undivided(tmp_path / "a"), divided(tmp_path / "b", 12)):
        found = source(root).examined()
        assert told(found) == {}
        assert warned(found) == set()
        assert leaks.lines(found) == []


def test_each_leak_is_told_with_its_files_and_parts(tmp_path):
    root = divided(tmp_path / "p", 4)
    save(root / "val" / "real" / "same.png", blocks(0))
    save(root / "train" / "fake" / "same.png", blocks(1))
    save(root / "test" / "fake" / "near.png", as_jpeg(blocks(1000), 60))
    table(root, "train/real/02.png,Ann", "test/fake/02.png,ann", columns="file,person")
    found = source(root).examined()
    assert told(found) == {
        "people-in-two-parts": ["train/real/02.png (train), test/fake/02.png (test)"],
        "same-in-two-parts": ["train/real/00.png (train), val/real/same.png (val)"],
        "same-under-both-labels": ["train/real/01.png (real), train/fake/same.png (fake)"],
        "near-in-two-parts": ["train/fake/00.png (train), test/fake/near.png (test)"],
    }
    assert leaks.near_under_both_labels(found) == 0
    lines = leaks.lines(found)
    assert len(lines) == 5
    assert lines[0].startswith("the same person in two parts: train/real/02.png (train)")
    assert "`tcnsc audit`" in lines[-1]


def test_a_picture_beside_its_forgery_is_counted_and_no_leak(tmp_path):
    root = divided(tmp_path / "p", 2)
    save(root / "train" / "fake" / "forged.png", as_jpeg(blocks(0), 60))
    found = source(root).examined()
    assert told(found) == {}
    assert leaks.near_under_both_labels(found) == 1


@pytest.mark.parametrize(
    ("fakes", "properties"),
    [
        ({"format": "png"}, {"file format", "JPEG quality", "quantisation tables",
                             "chroma subsampling"}),
        ({"quality": 75}, {"JPEG quality", "quantisation tables"}),
        ({"subsampling": 0}, {"chroma subsampling"}),
        ({"side": 40}, {"pixel size"}),
        ({}, set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_confound_of_the_files_is_found_and_named(tmp_path, fakes, properties):
    how = {"format": "jpeg", "quality": 95, "subsampling": 2, "side": SIDE}
    for k, kind in enumerate(("real", "fake")):
        own = how | (fakes if kind == "fake" else {})
        side = own.pop("side")
        for i in range(20):
            image = blocks(1000 * k + i, side, side)
            name = f"{i:02d}.{own['format']}"
            save(tmp_path / "p" / kind / name, image, **own)
    found = source(tmp_path / "p").examined()
    assert warned(found) == properties
    assert bool(leaks.lines(found)) == bool(properties)


# ---------------------------------------------------------------- crops


@pytest.fixture
def mixed(tmp_path) -> Path:
    """A divided folder with people, a damaged picture, and one that isn't square."""
    root = divided(tmp_path / "p", 3)
    save(root / "train" / "fake" / "Swap" / "wide.png", blocks(77, 40, 64))
    data = (root / "test" / "real" / "02.png").read_bytes()
    (root / "test" / "real" / "02.png").write_bytes(data[: len(data) // 2])
    rows = ("train/fake/00.png,Ann,Bea", "train/real/00.png,Ann,")
    return table(root, *rows, columns="file,person,source")


def test_a_cut_picture_is_its_crop_and_of_a_wide_one_the_middle(mixed, capsys):
    faces = source(mixed).faces()
    said = capsys.readouterr().err
    assert "aren't square, of which the central square is taken: 1, train/fake/Swap/wide" in said
    rows = faces.manifest.set_index("video")
    square = Image.fromarray(blocks(0)).resize((24, 24), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(faces.load(rows.file["train/real/00-png"]), np.asarray(square))
    wide = rows.loc["train/fake/Swap/wide-png"]
    middle = Image.fromarray(blocks(77, 40, 64)[:, 12:52])
    expected = middle.resize((24, 24), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(faces.load(wide.file), np.asarray(expected))
    assert wide[["x0", "y0", "x1", "y1"]].tolist() == [12, 0, 52, 40]
    assert np.isnan(faces.landmarks("train")).all()


def test_the_manifest_tells_label_part_person_source_and_method(mixed):
    faces = source(mixed).faces()
    rows = faces.manifest.set_index("video")
    known = rows.loc["train/fake/00-png"]
    assert known[["label", "split", "identity"]].tolist() == [1, "train", "Ann"]
    assert known[["source", "method"]].tolist() == ["Bea", "pictures"]
    assert rows.loc["train/fake/Swap/wide-png"].method == "Swap"
    assert rows.loc["val/real/01-png"].tolist()[1:6] == [0, 0, "val/real/01-png", "", "original"]
    [missed] = faces.missed.itertuples()
    assert (missed.video, missed.split) == ("test/real/02-png", "test")
    assert "02.png can't be read as an image" in missed.reason
    units = dict(zip(faces.rows("train").video, faces.units("train"), strict=True))
    assert units["train/fake/00-png"] == units["train/real/00-png"] == "Ann"
    assert len(set(units.values())) == len(units) - 1
    assert audit(faces.manifest)["count"].tolist() == [0, 0, 0]


def test_what_a_forgery_touched_is_nowhere_and_no_photograph_is_shown(mixed):
    pictures = source(mixed)
    faces = pictures.faces()
    area = pictures.forged_area(faces, faces.rows("test"))
    assert area.shape == (len(faces.rows("test")), 24, 24)
    assert not area.any()
    assert pictures.private
    assert not pictures.has_videos


def test_a_fake_is_shown_beside_a_real_crop_of_its_person_else_of_anybody(mixed):
    pictures = source(mixed)
    pairs = pictures.faces().pairs("train", pictures.same_frame)
    assert (pairs.label == 1).all()
    assert (pairs.label_real == 0).all()
    assert sorted(pairs.video) == sorted(pictures.faces().rows("train").query("label == 1").video)
    of_ann = pairs.set_index("video").loc["train/fake/00-png"]
    assert of_ann.identity_real == "Ann"
    assert pairs.file_real.nunique() == 3  # each in turn


def test_faces_are_found_by_mtcnn_where_pictures_arent_cut(tmp_path, central):
    root = divided(tmp_path / "p", 2)
    pictures = source(root, FOUND)
    faces = pictures.faces()
    row = faces.manifest.set_index("video").loc["train/real/00-png"]
    box = row[["x0", "y0", "x1", "y1"]].tolist()
    assert box == [8, 8, 24, 24]
    expected = crop(blocks(0), box, 24, 1.3)
    np.testing.assert_array_equal(faces.load(row.file), expected)
    assert np.isfinite(faces.landmarks("train")).all()


class Two(Central):
    """The same, and a second face."""

    def all(self, frames):
        found = []
        for one in super().all(frames):
            twice = {name: np.repeat(value, 2, 0) for name, value in vars(one).items()}
            found.append(Candidates(**twice))
        return found


def test_pictures_with_several_faces_are_doubtful(tmp_path, central, monkeypatch):
    monkeypatch.setattr(portraits, "FaceFinder", Two)
    faces = source(divided(tmp_path / "p", 1), FOUND).faces()
    assert (faces.doubtful.faces == 2).all()
    assert sorted(faces.doubtful.video) == sorted(faces.manifest.video)


# ---------------------------------------------------------------- again, and cut short


def files(faces: FaceSet) -> dict[str, bytes]:
    every = [*faces.manifest.file, "manifest.csv", "missed.csv", "doubtful.csv"]
    return {name: (faces.root / name).read_bytes() for name in every}


@pytest.mark.parametrize("settings", [CUT, FOUND], ids=["cut", "mtcnn"])
def test_stopped_it_goes_on_and_ends_in_the_same_bytes(mixed, central, monkeypatch, settings):
    straight = files(source(mixed, settings).faces())
    shutil.rmtree(source(mixed).out)
    add = Builder.add
    asked = []

    def stopped(self, method, name, *rest, **more):
        asked.append(name)
        if len(asked) == 7:
            raise KeyboardInterrupt
        add(self, method, name, *rest, **more)

    monkeypatch.setattr(Builder, "add", stopped)
    with pytest.raises(KeyboardInterrupt):
        source(mixed, settings).faces()
    assert files(source(mixed, settings).faces()) == straight
    assert len(asked) == 1 + len(set(asked)) == 1 + 19  # the one that was cut short comes twice
    assert files(source(mixed, settings).faces()) == straight
    assert len(asked) == 20


def test_pictures_are_looked_at_once_and_anew_where_a_file_changed(mixed, monkeypatch):
    before = source(mixed).examined()
    looked = []

    def seen(path):
        looked.append(path.name)
        return open_image(path)

    monkeypatch.setattr(looks, "open_image", seen)
    assert source(mixed).examined().looks == before.looks
    assert looked == []
    save(mixed / "val" / "real" / "00.png", blocks(888))
    after = source(mixed).examined().looks
    assert len(looked) == len(after)
    changed = [one != other for one, other in zip(before.looks, after, strict=True)]
    assert sum(changed) == 1


def test_another_label_or_file_is_refused_until_the_crops_are_deleted(mixed):
    source(mixed).faces()
    save(mixed / "train" / "real" / "00.png", blocks(555))
    with pytest.raises(CompanionError, match="made otherwise .pictures: .*; delete that folder"):
        source(mixed).faces()


def test_it_has_no_quality_of_videos(mixed):
    with pytest.raises(CompanionError, match="holds pictures, no c40 videos"):
        source(mixed).faces("c40")
    with pytest.raises(CompanionError, match="holds no videos"):
        source(mixed).clips()


def test_the_central_square_of_a_high_picture_is_its_middle():
    image = blocks(5, 50, 21)
    pixels, where = whole(image, FaceSettings(size=21, found="cut"))
    np.testing.assert_array_equal(pixels, image[14:35])
    assert [where[name] for name in ("x0", "y0", "x1", "y1")] == [0, 14, 21, 35]
