"""Photographs: real and fake share their box and history, and differ inside the face alone."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import maximum_filter

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import forge
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.masks import face_mask
from tcnsc_lib.faces.photos import NO_DONOR, Photographs
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.splits import audit
from tcnsc_lib.faces.store import SPLITS, FaceSet

LFW = Path(__file__).resolve().parents[1] / "../shared/photos/lfw"
PEOPLE = 12
CUT = FaceSettings(size=64, enlarge=1.3, bottleneck=0.75)
BOX = ["x0", "y0", "x1", "y1"]


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """A photograph of each of 12 people and its mirror image; one is damaged, one shows nobody."""
    if not LFW.is_dir():
        pytest.skip("the photographs of LFW lie outside the repository and are not here")
    root = tmp_path_factory.mktemp("album")
    people = sorted(LFW.iterdir())[:PEOPLE]
    for person in people:
        folder = root / person.name
        folder.mkdir()
        path = min(person.glob("*.jpg"))
        shutil.copy(path, folder)
        with Image.open(path) as image:
            mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            mirrored.save(folder / "mirrored.png")
    first = root / people[0].name
    second = root / people[1].name
    whole = next(first.glob("*.jpg")).read_bytes()
    (first / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (250, 250), (128, 128, 128)).save(second / "grey.png")
    return root


@pytest.fixture(scope="module")
def source(album, tmp_path_factory) -> Photographs:
    return Photographs(album, tmp_path_factory.mktemp("portraits"), CUT)


@pytest.fixture(scope="module")
def portraits(source) -> FaceSet:
    return source.faces()


def both(faces: FaceSet) -> Iterator[tuple[str, pd.Series, pd.Series]]:
    """Name, real and fake row of every photograph."""
    real = faces.manifest[faces.manifest.label == 0].set_index("video")
    fake = faces.manifest[faces.manifest.label == 1].set_index("video")
    assert real.index.is_unique
    assert sorted(real.index) == sorted(fake.index)
    for name in real.index:
        yield name, real.loc[name], fake.loc[name]


def pixels(album: Path, person: str, name: str) -> np.ndarray:
    """The photograph of a name, which is the person's, the file's and its type: uint8 (H, W, 3)."""
    files = (album / person).iterdir()
    [path] = [file for file in files if name == f"{person}/{file.stem}-{file.suffix[1:]}"]
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def cut(mask: np.ndarray, row: pd.Series) -> np.ndarray:
    """A mask (H, W) of the photograph, white where it is true, cut like the row's crop."""
    white = 255 * np.repeat(mask[..., None], 3, 2).astype(np.uint8)
    return crop(white, row[BOX].to_numpy(float), CUT.size, CUT.enlarge)


def test_damaged_and_faceless_photographs_are_listed(portraits):
    reasons = portraits.missed.set_index("video").reason
    assert len(list(both(portraits))) == 2 * PEOPLE
    assert sorted(name.split("/")[-1] for name in reasons.index) == ["cut-jpg", "grey-png"]
    assert "cut.jpg can't be read" in reasons.filter(like="cut").iloc[0]
    assert reasons.filter(like="grey").iloc[0] == "no face"


def test_real_and_fake_share_box_and_part_and_the_fake_names_its_source(portraits):
    shared = [*BOX, "split", "identity"]
    for _, real, fake in both(portraits):
        assert real[shared].tolist() == fake[shared].tolist()
        assert real.source == ""
        assert fake.source not in ("", fake.identity)


def test_a_fake_differs_from_its_real_inside_the_face_only(album, source, portraits):
    for name, real, fake in both(portraits):
        found = json.loads((source.out / "boxes" / f"{name}.json").read_text())
        picture = pixels(album, real.identity, name)
        mask = face_mask(np.array(found["face"]["landmarks"]), picture.shape)
        one = portraits.load(real.file).astype(int)
        two = portraits.load(fake.file).astype(int)
        # farther from the mask than the resampling reaches
        outside = cut(maximum_filter(mask, 13) > 0, real) == 0
        assert outside.mean() > 0.1
        assert outside[0, 0].all()
        assert outside[-1, -1].all()
        np.testing.assert_array_equal(one[outside], two[outside])
        inside = cut(mask > 0.9, real) == 255
        assert np.abs(one - two)[inside].mean() > 2


def test_the_real_crop_is_the_photograph_with_its_face_resampled_as_the_fakes_is(
    album, source, portraits
):
    for name, real, _ in list(both(portraits))[:3]:
        found = json.loads((source.out / "boxes" / f"{name}.json").read_text())
        points = np.array(found["face"]["landmarks"])
        picture = pixels(album, real.identity, name)
        mask = face_mask(points, picture.shape)
        softened = forge.resampled(picture, points, mask)
        box = real[BOX].to_numpy(float)
        photograph = crop(picture, box, CUT.size, CUT.enlarge)
        expected = crop(softened, box, CUT.size, CUT.enlarge)
        outside = cut(mask > 0, real) == 0
        middle = cut(mask == 1, real) == 255  # there the fake's mask, the smaller, is 1 as a rule
        one = portraits.load(real.file)
        np.testing.assert_array_equal(one[outside], photograph[outside])
        assert (one == expected)[middle].mean() > 0.8
        assert (one != photograph)[middle].mean() > 0.1


def test_nobody_is_in_two_parts_and_donors_come_from_the_same(portraits):
    rows = portraits.manifest
    people = rows.groupby("identity").split
    assert (people.nunique() == 1).all()
    assert set(rows.split) == set(SPLITS)
    fakes = rows[rows.label == 1]
    assert fakes.source.map(people.first()).tolist() == fakes.split.tolist()
    assert audit(rows)["count"].tolist() == [0, 0, 0]


def test_the_real_crop_of_a_fakes_frame_is_that_of_the_same_photograph(source, portraits):
    pairs = portraits.pairs("test", source.same_frame)
    assert len(pairs) == (portraits.rows("test").label == 1).sum()
    assert (pairs.identity == pairs.identity_real).all()


def test_photographs_show_real_people(source):
    assert source.private
    assert not source.has_videos


def test_interrupted_photographs_end_in_the_same_bytes(source, portraits, tmp_path, monkeypatch):
    shutil.copytree(source.out / "boxes", tmp_path / "boxes")
    again = Photographs(source.root, tmp_path, CUT)
    add = Builder.add
    calls = []

    def stop_between_real_and_fake(self, method, *rest, **more):
        calls.append(method)
        if len(calls) == 8:
            assert method == "swap"
            raise KeyboardInterrupt
        add(self, method, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Builder, "add", stop_between_real_and_fake)
        with pytest.raises(KeyboardInterrupt):
            again.faces()
    faces = again.faces()
    assert faces.fingerprint == portraits.fingerprint
    for file in faces.manifest.file:
        assert (faces.root / file).read_bytes() == (portraits.root / file).read_bytes()


def test_photographs_have_no_videos(tmp_path):
    source = Photographs(tmp_path, tmp_path / "out", CUT)
    with pytest.raises(
        CompanionError, match="holds photographs, no c40 videos; choose quality raw"
    ):
        source.faces("c40")
    with pytest.raises(CompanionError, match="holds no videos"):
        source.clips()


# ---------------------------------------------------------------- albums with something odd


@pytest.fixture
def few(album, tmp_path) -> Path:
    """A photograph each of 18 people: the mirrored ones of the album, and six more."""
    root = tmp_path / "few"
    for person in sorted(album.iterdir()):
        (root / person.name).mkdir(parents=True)
        shutil.copy(person / "mirrored.png", root / person.name)
    for person in sorted(LFW.iterdir())[PEOPLE : PEOPLE + 6]:
        (root / person.name).mkdir()
        shutil.copy(min(person.glob("*.jpg")), root / person.name / "mirrored.png")
    return root


def change(path: Path, edit) -> None:
    """Replace a picture by what a function makes of it."""
    with Image.open(path) as image:
        image.load()
    edit(image).save(path)


def test_a_grey_photographs_fake_is_grey_and_it_lends_its_face_to_grey_ones_only(few, tmp_path):
    grey = sorted(few.iterdir())[:6]
    for person in grey:
        change(person / "mirrored.png", lambda image: image.convert("L"))
    faces = Photographs(few, tmp_path / "out", CUT).faces()
    names = {person.name for person in grey}
    for _, _, fake in both(faces):
        picture = faces.load(fake.file).astype(int)
        assert (np.ptp(picture, axis=2).max() == 0) == (fake.identity in names)
        assert fake.source not in names or fake.identity in names
    assert set(faces.missed.reason) <= {NO_DONOR}


def test_the_same_picture_under_two_names_stays_on_one_side(few, tmp_path, capsys):
    people = sorted(few.iterdir())
    for other in people[1:4]:
        shutil.copy(people[0] / "mirrored.png", other / "borrowed.png")
    rows = Photographs(few, tmp_path / "out", CUT).faces().manifest
    names = [person.name for person in people[:4]]
    tied = rows[rows.identity.isin(names)]
    assert tied.split.nunique() == 1
    assert not tied.source.isin(names).any()
    told = capsys.readouterr().err
    assert "the same picture under 4 people" in told
    assert f"{names[3]}/borrowed.png" in told


def test_sideways_photographs_give_the_crops_of_upright_ones(few, tmp_path):
    upright = Photographs(few, tmp_path / "upright", CUT).faces()
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in few.glob("*/mirrored.png"):
        with Image.open(path) as image:
            image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    sideways = Photographs(few, tmp_path / "sideways", CUT).faces()
    assert sideways.fingerprint == upright.fingerprint


def test_what_is_left_out_is_told_before_the_work_and_only_then(few, tmp_path, capsys):
    first = min(few.iterdir())
    (first / "scan.tif").touch()
    (few / "loose.jpg").touch()
    source = Photographs(few, tmp_path / "out", CUT)
    source.faces()
    told = capsys.readouterr().err
    assert told.index("scan.tif") < told.index("MTCNN")
    assert told.index("loose.jpg") < told.index("MTCNN")
    assert [item.path.name for item in source.left_out()] == ["scan.tif", "loose.jpg"]
    source.faces()
    assert "scan.tif" not in capsys.readouterr().err


def test_a_replaced_photograph_is_noticed(few, tmp_path):
    source = Photographs(few, tmp_path / "out", CUT)
    source.faces()
    change(min(few.glob("*/mirrored.png")), lambda image: image.rotate(5))
    with pytest.raises(CompanionError, match="made otherwise"):
        source.faces()


def test_photographs_with_several_faces_are_doubtful(few, tmp_path):
    first, second = sorted(few.glob("*/mirrored.png"))[:2]
    with Image.open(first) as one, Image.open(second) as other:
        beside = Image.new("RGB", (500, 250))
        beside.paste(one, (0, 0))
        beside.paste(other, (250, 0))
    beside.save(first)
    faces = Photographs(few, tmp_path / "out", CUT).faces()
    [row] = faces.doubtful.to_dict("records")
    assert row["video"] == f"{first.parent.name}/mirrored-png"
    assert int(row["faces"]) == 2
    assert row["taken"] == "largest and central"


def test_too_few_people_are_told_with_what_was_left_out(few, tmp_path):
    for person in sorted(few.iterdir())[:10]:
        (person / "mirrored.png").rename(person / "mirrored.bmp")
    with pytest.raises(CompanionError, match=r"14 or more\); not read: 10 the format \.bmp"):
        Photographs(few, tmp_path / "out", CUT).faces()


def test_a_large_photographs_crops_look_like_those_of_a_small_one(few, tmp_path):
    small = Photographs(few, tmp_path / "small", CUT).faces()
    path = min(few.glob("*/mirrored.png"))
    change(path, lambda image: image.resize((2000, 2000), Image.Resampling.LANCZOS))
    large = Photographs(few, tmp_path / "large", CUT).faces()
    for (_, *before), (_, *after) in zip(both(small), both(large), strict=True):
        for one, other in zip(before, after, strict=True):
            if one.identity == path.parent.name and one.source == other.source:
                gap = small.load(one.file).astype(int) - large.load(other.file)
                assert np.abs(gap).mean() < 12
