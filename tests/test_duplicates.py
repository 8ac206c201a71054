"""Near-duplicates: copies are found, other people aren't; and what a file's header tells."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from made_pictures import SIDE, as_jpeg, blocks, save
from PIL import Image

from tcnsc_lib.faces.duplicates import NEAR, hashes, near, tied
from tcnsc_lib.faces.formats import NONE, Written, confounds, typical, written
from tcnsc_lib.faces.opening import open_image

LFW = Path(__file__).resolve().parents[1] / "../shared/photos/lfw"


def bits(digits: str) -> str:
    return f"{int(digits, 16):064b}"


def distance(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(bits(one), bits(other), strict=True))


# ---------------------------------------------------------------- pictures


def test_a_hash_says_which_neighbour_is_brighter():
    ramp = np.repeat(np.arange(0, 252, 4, dtype=np.uint8)[None, :, None], 63, 0).repeat(3, 2)
    rows, columns = hashes(ramp)
    assert rows == "f" * 16
    assert hashes(ramp[:, ::-1])[0] == "0" * 16
    assert columns == "0" * 16
    assert hashes(ramp.transpose(1, 0, 2)) == (columns, rows)


def test_a_smaller_or_compressed_copy_is_near_and_another_picture_isnt():
    picture = blocks(1, 64, 64)
    halved = np.asarray(Image.fromarray(picture).resize((40, 40)))
    found = near([hashes(image) for image in (picture, blocks(2), as_jpeg(picture, 30), halved)])
    assert found[0] == found[2] == found[3]
    assert found[0] != found[1]


def flipped(digits: str, count: int) -> str:
    return f"{int(digits, 16) ^ ((1 << count) - 1):016x}"


def test_pictures_are_near_up_to_so_many_bits_in_both_hashes():
    rows, columns = hashes(blocks(3))
    for a, b in product((NEAR, NEAR + 1), repeat=2):
        one, other = near([(rows, columns), (flipped(rows, a), flipped(columns, b))])
        assert (one == other) == (a == b == NEAR)


def test_groups_are_what_comparing_all_pairs_gives():
    rng = np.random.default_rng(0)
    some = [hashes(blocks(seed)) for seed in range(12)]
    for one in list(some):
        some.append((flipped(one[0], int(rng.integers(8))), flipped(one[1], int(rng.integers(8)))))
    pairs = []
    for i, j in product(range(len(some)), repeat=2):
        if max(distance(some[i][k], some[j][k]) for k in (0, 1)) <= NEAR:
            pairs.append((i, j))
    by_hand = tied(len(some), np.array(pairs))
    assert (near(some) == by_hand).all()
    assert 12 < len(set(by_hand)) < 24


def test_ties_reach_through_others_and_nothing_is_a_group_of_none():
    assert tied(4, np.array([(0, 2), (2, 3)])).tolist() == [0, 1, 0, 0]
    assert tied(2, np.empty((0, 2), int)).tolist() == [0, 1]
    assert near([]).shape == (0,)


def test_no_two_of_many_people_are_near_even_in_tight_crops():
    if not LFW.is_dir():
        pytest.skip("the photographs of LFW lie outside the repository and are not here")
    crops = []
    for person in sorted(LFW.iterdir())[:300]:
        crops.append(open_image(min(person.glob("*.jpg")))[70:180, 70:180])
    groups = near([hashes(image) for image in crops])
    assert len(set(groups)) == len(crops)
    copies = [as_jpeg(image, 75) for image in crops]
    again = near([hashes(image) for image in (*crops, *copies)])
    assert (again[: len(crops)] == again[len(crops) :]).mean() > 0.95


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("quality", [20, 50, 75, 95, 100])
def test_jpegs_quality_is_read_from_its_tables(tmp_path, quality):
    path = save(tmp_path / "a.jpg", blocks(0), quality=quality)
    assert written(path).quality == str(quality)


def test_a_header_tells_format_size_and_colour_resolution(tmp_path):
    image = blocks(0, SIDE, 2 * SIDE)
    full = written(save(tmp_path / "a.jpg", image, quality=90, subsampling=0))
    half = written(save(tmp_path / "b.jpg", image, quality=90, subsampling=2))
    grey = written(save(tmp_path / "c.jpg", image[:, :, 0], quality=90))
    assert (full.format, full.size, full.sampling) == ("JPEG", "64 x 32", "4:4:4")
    assert (half.sampling, grey.sampling) == ("4:2:0", "grey")
    assert full.tables == half.tables != grey.tables
    assert written(save(tmp_path / "a.png", image)) == Written("PNG", "64 x 32", *[NONE] * 3)


def files(*words: str) -> list[Written]:
    """Files of these formats, alike in all else."""
    return [Written(word, "8 x 8", NONE, NONE, NONE) for word in words]


def told(formats: str, labels: str) -> float:
    table = confounds(files(*formats), [int(label) for label in labels]).set_index("what")
    assert (table.tells.drop("file format") == 0.5).all()
    return table.tells["file format"]


@pytest.mark.parametrize(
    ("formats", "labels", "share"),
    [
        ("aabb", "0011", 1),
        ("aaaa", "0011", 0.5),  # one value tells nothing
        ("aaaaaaaaaa", "0000000011", 0.5),  # nor does it where most are real
        ("aabbcc", "000111", None),
        ("abcd", "0011", 0.5),  # nor do values that no other file has
        ("aabb", "0101", 0),  # each file is outvoted by its only fellow
        ("aabaa", "00011", None),
        ("ab", "01", 0.5),
        ("aa", "00", 0.5),
    ],
)
def test_a_property_tells_as_much_as_the_other_files_of_its_value(formats, labels, share):
    by_hand = alone(formats, labels) if share is None else share
    assert told(formats, labels) == pytest.approx(by_hand)


def alone(formats: str, labels: str) -> float:
    """The same by going through the files one after the other."""
    right: dict[str, list[float]] = {"0": [], "1": []}
    for i, own in enumerate(labels):
        votes = {"0": 0.0, "1": 0.0}
        for label in votes:
            others = [j for j in range(len(labels)) if j != i and labels[j] == label]
            votes[label] = sum(formats[j] == formats[i] for j in others) / len(others)
        other = "1" if own == "0" else "0"
        right[own].append((votes[own] > votes[other]) + 0.5 * (votes[own] == votes[other]))
    return (np.mean(right["0"]) + np.mean(right["1"])) / 2


def test_many_files_at_random_are_told_no_better_than_chance_and_dont_warn():
    rng = np.random.default_rng(0)
    formats = rng.choice(list("abcd"), 400)
    labels = rng.integers(0, 2, 400)
    table = confounds(files(*formats), labels)
    assert table.tells[0] == pytest.approx(alone("".join(formats), "".join(map(str, labels))))
    assert not table.warns.any()


def test_a_warning_needs_more_than_chance_in_few_files():
    few = confounds(files(*"aaabbb"), [0, 0, 0, 1, 1, 1])
    many = confounds(files(*"aaaaaaabbb" * 20), ([0] * 6 + [1] * 4) * 20)
    assert few.tells[0] == 1
    assert not few.warns[0]
    assert many.warns[0]


def test_what_both_kinds_mostly_are_is_a_sentence_each():
    jpeg = Written("JPEG", "8 x 8", "95", "t", "4:2:0")
    png = Written("PNG", "9 x 9", NONE, NONE, NONE)
    real, fake = typical([jpeg, jpeg, jpeg, png, png], [0, 0, 0, 0, 1])
    expected = "real: 75 % JPEG, 75 % 8 x 8 px, of the JPEG files 100 % quality 95, 100 % 4:2:0"
    assert real == expected
    assert fake == "fake: 100 % PNG, 100 % 9 x 9 px"
