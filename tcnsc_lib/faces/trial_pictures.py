"""A few labelled pictures searched and cut: what that tells of all of them; see `trial`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tcnsc_lib.faces.imagefolder import Picture
from tcnsc_lib.faces.source import Trial
from tcnsc_lib.faces.trial import PHOTOGRAPHS, Seen, counted, share_of, timed

Cut = Callable[[Sequence[Picture], Path], list[np.ndarray]]


def try_pictures(
    pictures: Sequence[Picture],
    kinds: Sequence[tuple[str, int]],
    cut: Cut,
    folder: Path,
    seed: int,
) -> Trial:
    """Look at a few pictures, and cut their faces.

    kinds: the part and the label of every picture. cut: gives the crops of those of some pictures
    that show a face; what it writes goes into the folder it is given. Raises CompanionError where
    none of those tried shows one.
    """
    order = np.random.default_rng(seed).permutation(len(pictures))[:PHOTOGRAPHS]
    some = [pictures[i] for i in sorted(order)]
    cut(some[:1], folder / "first")  # the first call takes longer than the others
    crops, seconds = timed(partial(cut, some, folder / "all"))
    seen = Seen(find=[seconds / len(some)] * len(some))
    for pixels in crops:
        seen.add_crop(pixels)
    share = share_of(seen, "pictures that were tried")
    items = counted(kinds)
    return Trial(
        unit="pictures",
        items=items,
        pictures=items,
        share=share,
        search=len(pictures) * np.mean(seen.find),
        cut=len(pictures) * share * np.mean(seen.cut),
        file=float(np.mean(seen.files)),
        sample=np.stack(seen.crops),
        measured_on=f"{len(some)} pictures searched, a face in {len(crops)}",
    )
