"""The crops of a part as evidence: a row each, as numbers, without a name or a picture."""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib.faces.store import FaceSet

TABLES = {"test": "crops", "val": "validation_crops"}
"""Part of the faces -> the name of the table of its crops."""


def labelled(faces: FaceSet, split: str) -> pd.DataFrame:
    """Columns crop, label, unit, person; a row a crop, in the order of `faces.rows(split)`.

    unit: the number of the person, or of the two who lent each other their faces
    (`FaceSet.units`), in sorted order; person: that of the person on the picture. No names.
    """
    identities = faces.rows(split).identity
    labels = faces.labels(split)
    table = pd.DataFrame({"crop": np.arange(len(labels)), "label": labels})
    table["unit"] = _numbered(faces.units(split))
    table["person"] = _numbered(identities.to_numpy(str))
    return table


def _numbered(names: np.ndarray) -> np.ndarray:
    """The place of each name among the sorted names: str (N,) -> int (N,)."""
    return np.unique(names, return_inverse=True)[1]
