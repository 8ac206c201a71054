"""`tcnsc audit` of labelled pictures: what leaks between the parts, and what their files give away.

No face is looked for. Long lists go to tables, as those of videos do.
"""

from __future__ import annotations

import pandas as pd

from tcnsc_lib.cli.warned import Warnings
from tcnsc_lib.faces import leaks, splits
from tcnsc_lib.faces.division import Divided
from tcnsc_lib.faces.labelled_pictures import NOT_SQUARE, Pictures, not_square
from tcnsc_lib.faces.store import SPLITS


def tell(source: Pictures, warnings: Warnings) -> None:
    """Print what is wrong with labelled pictures, and what may mislead a detector of them.

    Raises CompanionError where the folder can't be read, or can't be divided.
    """
    found = source.examined()
    _tell_parts(found)
    unreadable = [look.reason for look in found.looks if look.reason]
    warnings.tell("unreadable", unreadable)
    warnings.left_out("not-read", source.root, source.left_out())
    if source.settings.found == "cut":
        odd = not_square(found)
        print(f"{NOT_SQUARE}: {len(odd)}")
    _tell_people(found)
    for one in leaks.leaks(found):
        print(f"{one.summary}: {len(one.each)}")
        warnings.tell(one.kind, [f"{one.summary}: {line}" for line in one.each])
    near = leaks.near_under_both_labels(found)
    print(f"groups of near-duplicates with both labels, as a picture and its forgery are: {near}")
    _tell_files(found, warnings)


def _tell_parts(found: Divided) -> None:
    given = bool(found.pictures[0].split)
    print(f"parts: {'as given' if given else 'drawn, people and near-duplicates kept together'}")
    counts = pd.DataFrame(0, index=[*SPLITS, "all"], columns=["real", "fake"])
    for picture, split in zip(found.pictures, found.splits, strict=True):
        counts.loc[[split, "all"], "fake" if picture.label else "real"] += 1
    print(f"pictures of each part\n{counts.to_string()}")


def _tell_people(found: Divided) -> None:
    """Who is known, and how many fakes show the face of somebody who is in training."""
    named = [picture.person for picture in found.pictures if picture.person]
    print(f"\npeople: {len(set(named))}, known of {len(named)} of {len(found.pictures)} pictures")
    rows = []
    for picture, split in zip(found.pictures, found.splits, strict=True):
        if picture.person or picture.source:
            about = {"video": picture.name, "method": picture.method, "label": picture.label}
            who = {"identity": picture.person, "source": picture.source}
            rows.append({**about, **who, "split": split})
    if any(row["source"] for row in rows):
        print(splits.audit(pd.DataFrame(rows), "pictures").to_string())


def _tell_files(found: Divided, warnings: Warnings) -> None:
    table, kinds = leaks.format_confounds(found)
    told = table.assign(percent=(100 * table.tells).round(1))[["what", "percent"]]
    print("\nhow often a property of the file alone tells real from fake, in % (50 is chance)")
    print(told.to_string(index=False))
    print("\n".join(kinds))
    warnings.tell("confounds", leaks.told_confounds(table))
