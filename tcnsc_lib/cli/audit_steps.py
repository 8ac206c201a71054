"""`tcnsc audit`: what a copy of FaceForensics++ lacks, what is wrong in it, what its split leaks.

Beside that: how many real and fake videos each part has, and what Tables 1 to 3 lack. Of labelled
pictures, what leaks between their parts and what their files give away: see `audit_pictures`.

All that can be told is told, on standard output; what ends it in an error comes last.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, experiments, profiles
from tcnsc_lib.cli import audit_pictures
from tcnsc_lib.cli.warned import Warnings
from tcnsc_lib.experiments import EXPERIMENTS, ready
from tcnsc_lib.faces import copies, splits
from tcnsc_lib.faces.clips import Video
from tcnsc_lib.faces.copies import Stream
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.labelled_pictures import Pictures
from tcnsc_lib.faces.layout import QUALITIES, listing, methods_in, missing, no_videos
from tcnsc_lib.faces.source import LeftOut
from tcnsc_lib.faces.store import SPLITS

PEOPLE = """counted: videos. FaceForensics++ shows about 885 people in its 1000 videos, so more may
leak than is counted; splits/people.json may list which videos show one person (data/README.md)"""


def audit(arguments) -> None:
    """What a copy of FaceForensics++ or a folder of labelled pictures lacks, and what leaks."""
    audited(profiles.profile(arguments.profile, arguments.method))


def audited(p: profiles.Profile) -> int:
    """Audit a profile's videos or labelled pictures. Returns how many warnings there were."""
    source = profiles.source(p)
    warnings = Warnings(profiles.faces_folder(p) / "audit")
    if isinstance(source, Pictures):
        audit_pictures.tell(source, warnings)
        _tell_tables(p)
        print(f"\nwarnings: {warnings.count}")
        return warnings.count
    if not source.has_videos:
        source.clips()  # says that there are none
    qualities = _qualities(source)
    if not qualities:
        source.clips(_tried(source))  # renders the demo, or says what isn't there
        qualities = _qualities(source)
    best = {}
    for quality in qualities:
        streams = _tell_quality(source, quality, best, warnings)
        best = best or streams
        _tell_parts(source, quality)
    without = [quality for quality in QUALITIES if quality not in qualities]
    if without:
        print(f"\nno videos at {' and '.join(without)}")
    _tell_tables(p)
    try:
        _tell_split(source, qualities)
    finally:
        print(f"\nwarnings: {warnings.count}")
    return warnings.count


# ---------------------------------------------------------------- the videos of a quality


def _kinds(source: FaceForensics) -> tuple[str, ...]:
    return "original", *methods_in(source.settings.method)


def _qualities(source: FaceForensics) -> list[str]:
    """The qualities at which there are videos, real or fake."""
    return [quality for quality in QUALITIES if _paths(source, quality)]


def _paths(source: FaceForensics, quality: str) -> list[Path]:
    paths = []
    for kind in _kinds(source):
        paths += listing(source.root, kind, quality).videos.values()
    return paths


def _tried(source: FaceForensics) -> str:
    """A quality where somebody put something, though nothing that is read; else that of RAW."""
    for quality in QUALITIES:
        found = [listing(source.root, kind, quality).left_out for kind in _kinds(source)]
        if any(found):
            return quality
    return source.settings.raw_quality


def _tell_quality(
    source: FaceForensics, quality: str, best: dict[Path, Stream], warnings: Warnings
) -> dict[Path, Stream]:
    """Print what a quality lacks and what is wrong there. Returns path -> what its file says.

    best: the same of the best quality that there is, with which this one is compared; empty for it.
    """
    root = source.root
    print(f"\n{quality}")
    for method in _kinds(source)[1:]:
        print(missing(root, method, quality).to_string(index=False))
    paths = _paths(source, quality)
    streams = {}
    unreadable = []
    for path in tqdm(paths, desc="reading streams", leave=False, disable=None):
        try:
            streams[path] = copies.stream(path)
        except CompanionError as error:
            unreadable.append(str(error))
    print(f"crf found in the streams: {_crfs(streams)}")
    for kind in _kinds(source):
        there = listing(root, kind, quality)
        if not there.videos:
            warnings.say(str(no_videos(root, kind, quality, there.left_out)))
    warnings.tell(f"unreadable-{quality}", unreadable)
    warnings.tell(f"mislabelled-{quality}", copies.mislabelled(streams, quality))
    unlike = copies.unlike(streams, best)
    if best:
        other = copies.quality_of(next(iter(best)))
        print(f"videos of another size, rate or length than at {other}: {len(unlike)}")
    warnings.tell(f"unlike-{quality}", unlike)
    warnings.tell(f"repeated-{quality}", copies.repeated(streams))
    warnings.left_out(f"not-read-{quality}", root, _left_out(source, quality))
    return streams


def _crfs(streams: dict[Path, Stream]) -> str:
    """How many videos were encoded with which crf, as text."""
    counts = Counter(one.crf for one in streams.values())
    known = sorted(crf for crf in counts if crf is not None)
    texts = [f"{crf:g} in {counts[crf]}" for crf in known]
    if None in counts:
        texts.append(f"unknown in {counts[None]}")
    return ", ".join(texts) or "none"


def _left_out(source: FaceForensics, quality: str) -> list[LeftOut]:
    """What isn't read; without what the split doesn't claim, where the split can't be read."""
    try:
        return source.left_out(quality)
    except CompanionError:
        kinds = [listing(source.root, kind, quality).left_out for kind in _kinds(source)]
        return sum(kinds, [])


# ---------------------------------------------------------------- what trainings need


def _tell_parts(source: FaceForensics, quality: str) -> None:
    """Print how many real and fake videos each part has; nothing where the split can't be read."""
    try:
        clips = source.clips(quality)
    except CompanionError:
        return  # told already, or at the end
    counts = pd.DataFrame(0, index=[*SPLITS, "all"], columns=["real", "fake"])
    for clip in clips:
        counts.loc[[clip.split, "all"], "fake" if clip.label else "real"] += 1
    print(f"videos of each part\n{counts.to_string()}")


def _tell_tables(p: profiles.Profile) -> None:
    """Print what each table lacks, as far as the list of files tells."""
    print()
    for number in ("1", "2", "3"):
        names = dict.fromkeys(name for name, _ in experiments.jobs(number, p))
        lacks = ready.lacks({name: EXPERIMENTS[name] for name in names}, p)
        for sentence in [one.said(p) for one in lacks] or ["nothing is lacking."]:
            print(f"Table {number}: {sentence}")


# ---------------------------------------------------------------- the split


def _tell_split(source: FaceForensics, qualities: list[str]) -> None:
    """Print who is in two parts, at the first quality that has real videos and fakes.

    Raises CompanionError where none has, or where the split or the list of people can't be read.
    """
    manifest = _manifest(_clips(source, qualities))
    people = source.people()
    print(f"\nsplit: {source.settings.split}")
    if people is None:
        print(PEOPLE)
        print(splits.audit(manifest, "videos").to_string())
        return
    persons = set(people.values())
    listed = f", of whom splits/people.json names {len(persons)} with {len(people)} videos"
    print(f"counted: people{listed if people else ''}")
    print(splits.audit(splits.by_person(manifest, people)).to_string())


def _clips(source: FaceForensics, qualities: list[str]) -> list[Video]:
    refused = None
    for quality in qualities:
        try:
            return source.clips(quality)
        except CompanionError as error:
            refused = refused or error
    raise refused


def _manifest(clips: list[Video]) -> pd.DataFrame:
    """A row a video, in the columns that `splits.audit` reads."""
    columns = ["video", "method", "split", "label", "identity", "source"]
    rows = []
    for clip in clips:
        rows.append({**clip.columns, "label": clip.label} | _who(clip))
    return pd.DataFrame(rows, columns=columns)


def _who(clip: Video) -> dict[str, str]:
    return {"identity": clip.identity, "source": clip.source}
