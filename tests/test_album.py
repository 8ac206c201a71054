"""A folder of photographs is listed by one function, which tells what it leaves out."""

import os
import unicodedata
from pathlib import Path

import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.album import Photo, album, same_pictures, tell_same, tell_spellings, together


@pytest.fixture
def put(tmp_path):
    """A function that makes empty files in the album."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def reasons(root: Path) -> dict[str, str]:
    return {
        os.fsencode(item.path.relative_to(root)).decode("utf-8", "replace"): item.reason
        for item in album(root).left_out
    }


def test_what_is_not_read_is_left_out_by_reason(put):
    root = put("Ann/a.jpg", "Ann/b.tif", "Ann/c", "Ann/2020/d.jpg", "loose.jpg", "Bob/e.HEIC")
    (root / "Nobody").mkdir()
    found = reasons(root)
    assert [photo.path.name for photo in album(root).photos] == ["a.jpg"]
    assert ".tif" in found["Ann/b.tif"]
    assert "without a suffix" in found["Ann/c"]
    assert "deeper" in found["Ann/2020/d.jpg"]
    assert "outside" in found["loose.jpg"]
    assert ".HEIC" in found["Bob/e.HEIC"]
    assert "hold nothing" in found["Nobody"]


def test_suffixes_count_in_any_case_and_broken_links_are_listed(put):
    root = put("Ann/a.JPG", "Ann/b.WebP", "Ann/c.jpeg", "Ann/d.PNG")
    (root / "Ann/gone.jpg").symlink_to("nowhere")
    names = [photo.name for photo in album(root).photos]
    assert names == ["Ann/a-JPG", "Ann/b-WebP", "Ann/c-jpeg", "Ann/d-PNG", "Ann/gone-jpg"]
    assert reasons(root) == {}


def test_hidden_files_and_folders_are_neither_read_nor_told(put):
    root = put("Ann/a.jpg", "Ann/._a.jpg", "Ann/.x/c.jpg", ".DS_Store", ".git/b.jpg")
    assert [photo.name for photo in album(root).photos] == ["Ann/a-jpg"]
    assert reasons(root) == {}


def test_names_that_are_not_utf8_are_told(put):
    root = put("Ann/a.jpg")
    os.makedirs(os.fsencode(root) + b"/J\xfcrgen")
    Path(os.fsdecode(os.fsencode(root) + b"/J\xfcrgen/b.jpg")).touch()
    Path(os.fsdecode(os.fsencode(root) + b"/Ann/\xfc.jpg")).touch()
    assert [photo.name for photo in album(root).photos] == ["Ann/a-jpg"]
    assert sorted(reasons(root)) == ["Ann/\ufffd.jpg", "J\ufffdrgen"]


def test_long_names_fit_onto_the_disk(put):
    long = "n" * 251
    [photo] = album(put(f"{long}/{long}.jpg")).photos
    assert photo.person == long
    assert all(len(part) <= 150 for part in photo.name.split("/"))


def test_folders_whose_names_agree_are_one_person(put, capsys):
    other = unicodedata.normalize("NFD", "Jürgen")
    root = put("Ann_Lee/a.jpg", "ann lee/a.jpg", "Jürgen/b.jpg", f"{other}/b.jpg", "Bob/c.jpg")
    content = album(root)
    people = {photo.person for photo in content.photos}
    assert people == {"Ann_Lee", "Bob", min("Jürgen", other)}
    assert len({photo.name for photo in content.photos}) == 5
    tell_spellings(content)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "one person, Ann_Lee, in 2 folders: 'Ann_Lee', 'ann lee'" in told[0]


def test_without_photographs_the_sentence_says_what_was_left_out(put, tmp_path):
    put("Ann/a.tif", "Ann/b.tif", "loose.jpg")
    with pytest.raises(CompanionError, match=r"no photographs.*not read: 2 the format \.tif") as e:
        album(tmp_path)
    assert "1 outside any person's folder" in str(e.value)
    with pytest.raises(CompanionError, match="no folder .*absent"):
        album(tmp_path / "absent")


# ---------------------------------------------------------------- the same picture twice


def photo(person: str, file: str = "a.jpg") -> Photo:
    return Photo(Path(person, file), person)


def test_people_who_share_pictures_are_tied_also_over_others():
    people = ["Ann", "Bob", "Cid", "Dan", "Eve"]
    groups = [[photo("Cid"), photo("Dan")], [photo("Dan", "b.jpg"), photo("Bob")]]
    tied = together(people, groups)
    assert tied == {"Ann": "Ann", "Bob": "Bob", "Cid": "Bob", "Dan": "Bob", "Eve": "Eve"}


def test_the_same_picture_is_told_by_name(capsys):
    photos = [photo("Ann"), photo("Ann", "b.jpg"), photo("Bob"), photo("Cid"), photo("Dan")]
    pixels = dict(zip([photo.name for photo in photos], "aabbc", strict=True))
    groups = same_pictures(photos, pixels)
    assert [len(group) for group in groups] == [2, 2]
    tell_same(groups)
    first, second = capsys.readouterr().err.splitlines()
    assert "Bob/a.jpg, Cid/a.jpg" in first
    assert "same person" in second
