"""The steps of `tcnsc` that make faces: the demo's videos, and the crops of a profile."""
from __future__ import annotations

from tcnsc_lib import profiles
from tcnsc_lib.faces.store import FaceSet

REASONS = 10  # of those for which frames were missed, how many are printed


def demo(arguments) -> None:
    """Render the demo's videos if they aren't there."""
    p = profiles.DEMO
    clips = profiles.source(p).clips("raw")
    print(f"{len(clips)} videos in {profiles.source_folder(p)}")


def faces(arguments) -> None:
    """Make a profile's crops if they aren't there; count them, the missed and the doubtful."""
    p = profiles.profile(arguments.profile, arguments.method)
    crops = profiles.faces(p, arguments.quality)
    counts = crops.manifest.groupby(["split", "label"], sort=False).size()
    table = counts.unstack(fill_value=0).reindex(columns=[0, 1], fill_value=0)
    table = table.rename(columns={0: "real", 1: "fake"})
    print(f"{len(crops)} crops of {crops.size} px in {crops.root}\n{table.to_string()}")
    if len(crops.missed):
        reasons = crops.missed.groupby("method").reason.value_counts()
        print(f"{len(crops.missed)} missed, listed in {crops.root / 'missed.csv'}:")
        print(reasons.head(REASONS).to_string())
        if len(reasons) > REASONS:
            print(f"and {len(reasons) - REASONS} more reasons")
    _tell_doubtful(crops)


def _tell_doubtful(crops: FaceSet) -> None:
    """How many frames show several faces, and by what one of them was taken."""
    doubtful = crops.doubtful
    if doubtful.empty:
        return
    print(f"{len(doubtful)} frames are doubtful: more than one face was found there, or it jumped; "
          f"listed in {crops.root / 'doubtful.csv'}, with why one was taken:")
    print(doubtful.groupby("method").taken.value_counts().to_string())
