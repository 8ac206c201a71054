"""The paper's random split: 700/150/150, and most test fakes have a face that training has seen."""

import pandas as pd

from tcnsc_lib.faces.splits import NUMBERS, audit, random_split


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
