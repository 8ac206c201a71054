"""Who is in which part: the paper's random split, FaceForensics++'s own, and what either leaks."""

import os
from pathlib import Path

import pandas as pd
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.splits import (
    NUMBERS,
    QUESTIONS,
    audit,
    by_person,
    official_split,
    people_of,
    random_split,
)


def manifest(split: dict[str, str], source) -> pd.DataFrame:
    """One real and one fake of everybody; source: a person's number -> that of the face put in."""
    rows = []
    for person, part in split.items():
        lent = source(person)
        about = {"identity": person, "split": part}
        rows.append({**about, "video": person, "method": "original", "label": 0, "source": ""})
        fake = {"video": f"{person}_{lent}", "method": "Deepfakes", "label": 1, "source": lent}
        rows.append(about | fake)
    return pd.DataFrame(rows)


def test_random_split_is_700_150_150_and_seeded():
    split = random_split(seed=0)
    assert pd.Series(split).value_counts().to_dict() == {"train": 700, "val": 150, "test": 150}
    assert set(split) == set(NUMBERS)
    assert split == random_split(seed=0) != random_split(seed=1)


def test_random_split_leaks_the_source_of_70_percent_of_test_fakes():
    table = audit(manifest(random_split(), lambda n: f"{(int(n) + 1) % 1000:03d}"))
    leak = table.loc["test fakes whose source person is in training"]
    assert table.loc["test people whose own video is in training", "count"] == 0
    assert leak["of"] == 150
    assert 0.6 < leak["count"] / leak["of"] < 0.8


def test_audit_counts_by_hand():
    split = {"000": "train", "001": "train", "002": "test", "003": "test"}
    source = {"000": "003", "001": "000", "002": "000", "003": "002"}
    table = manifest(split, source.get)
    again = {"identity": "000", "split": "test", "video": "000b", "method": "original"}
    table.loc[len(table)] = again | {"label": 0, "source": ""}
    # test people: 000 (in training too), 002, 003
    # test fakes: 002_000 (000 is in training, as a source too), 003_002
    assert audit(table).values.tolist() == [[1, 3], [1, 2], [1, 2]]


# ---------------------------------------------------------------- files


def write(root: Path, **files: str | bytes) -> Path:
    """Split files; those not given hold no pair."""
    (root / "splits").mkdir()
    empty = dict.fromkeys(("train", "val", "test"), "[]")
    for name, text in (empty | files).items():
        data = text if isinstance(text, bytes) else text.encode()
        (root / "splits" / f"{name}.json").write_bytes(data)
    return root


def test_both_of_an_official_pair_are_in_one_part(tmp_path):
    root = write(tmp_path, train='[["000", "003"]]', test='[["001", "870"]]')
    split = {"000": "train", "003": "train", "001": "test", "870": "test"}
    assert official_split(root) == split


def test_a_byte_order_mark_does_no_harm(tmp_path):
    root = write(tmp_path, train=b'\xef\xbb\xbf[["000", "003"]]')
    assert official_split(root) == {"000": "train", "003": "train"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('["000", "001"]', 'a pair of video numbers like .* not "?\'000\''),
        ('[["000"]]', r"a pair of video numbers like .* not \['000'\]"),
        ('[["000", "001", "002"]]', "a pair of video numbers like"),
        ("[[0, 1]]", 'a text of three digits, like "003", not by 0'),
        ('[["0", "1"]]', "a text of three digits, like \"003\", not by '0'"),
        ('[["000", "001 "]]', "a text of three digits"),
        ('{"000": "001"}', "should be a valid array"),
        ("null", "should be a valid array"),
        ('[["000", "001"]', "invalid JSON"),
        ("", "invalid JSON"),
        (b"\xff\xfe[\0]\0", "invalid JSON"),
    ],
)
def test_a_split_that_is_no_list_of_pairs_is_refused(tmp_path, text, what):
    root = write(tmp_path, val=text)
    with pytest.raises(CompanionError, match=f"val.json is damaged .*{what}.*copy the three files"):
        official_split(root)


def test_a_split_file_that_is_absent_or_a_pipe_is_refused(tmp_path):
    with pytest.raises(CompanionError, match="train.json is not there; copy the three files"):
        official_split(tmp_path)
    root = write(tmp_path)
    (root / "splits" / "test.json").unlink()
    os.mkfifo(root / "splits" / "test.json")
    with pytest.raises(CompanionError, match="test.json is a pipe"):
        official_split(root)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        (
            {"train": '[["000", "003"]]', "test": '[["003", "001"]]'},
            "test.json has the video 003 as train.json has",
        ),
        ({"val": '[["000", "003"], ["003", "001"]]'}, "val.json has the video 003 twice"),
        ({"val": '[["000", "000"]]'}, "val.json has the video 000 twice"),
    ],
)
def test_a_video_in_two_pairs_is_refused(tmp_path, files, what):
    with pytest.raises(CompanionError, match=what):
        official_split(write(tmp_path, **files))


# ---------------------------------------------------------------- people in several videos


def test_people_are_named_by_their_first_video(tmp_path):
    root = write(tmp_path, people='[["043", "179", "826"], ["000", "999"]]')
    people = people_of(root)
    assert people == {"043": "043", "179": "043", "826": "043", "000": "000", "999": "000"}


def test_without_a_list_people_are_unknown(tmp_path):
    assert people_of(write(tmp_path)) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[["043", 179]]', "a text of three digits, like .003., not by 179"),
        ('["043", "179"]', "a list of video numbers belongs here"),
        ('[["043", "179"], ["179", "183"]]', "has the video 179 twice"),
        ("{}", "should be a valid array"),
    ],
)
def test_a_list_of_people_that_is_none_is_refused(tmp_path, text, what):
    root = write(tmp_path, people=text)
    with pytest.raises(CompanionError, match=f"people.json .*{what}"):
        people_of(root)


def test_by_person_a_leak_shows_that_videos_hide():
    split = {"000": "train", "001": "test", "002": "test"}
    source = {"000": "001", "001": "000", "002": "001"}
    table = manifest(split, source.get)
    assert audit(table, "videos")["count"].tolist() == [0, 1, 1]
    assert list(audit(table, "videos").index) == list(QUESTIONS["videos"])
    same = by_person(table, {"000": "000", "002": "000"})
    assert audit(same).values.tolist() == [[1, 2], [1, 2], [1, 2]]
