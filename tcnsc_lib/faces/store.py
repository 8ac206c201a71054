"""FaceSet: face crops on disk with one manifest row each, splits, and arrays for each codec.

    <root>/crops/<split>/<real|fake>/<video>/<frame>.png   lossless crops, open the folder and look
    <root>/manifest.csv   a row for each crop
    <root>/missed.csv     frames and videos that gave none, and why
    <root>/doubtful.csv   frames whose face may be another person's, and why it was taken
    <root>/about.json     how it was made, and digests of these three
    <root>/arrays/        cached arrays, safe to delete
    <root>/pieces/        what each video gave; an extraction that was cut short goes on from here

`label` is 0 for real and 1 for fake, everywhere. `identity` is the person whose head and background
it is (the target), `source` the person whose face was put in, empty for a real crop. The box is in
pixels of the frame, landmarks (left as seen in the picture) are in pixels of the crop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import Codec, codec, versions
from tcnsc_lib.faces import budget, cache, manifest
from tcnsc_lib.faces.lossless import Lossless
from tcnsc_lib.faces.manifest import COLUMNS, LANDMARKS, SPLITS
from tcnsc_lib.faces.stream import Pictures, Streamed
from tcnsc_lib.files import digest

__all__ = ["COLUMNS", "LANDMARKS", "SPLITS", "FaceSet"]

AT_ONCE = 1024  # crops in the queue while an array is filled


class FaceSet:
    """Crops that are on disk. `manifest`, `missed` and `doubtful` are DataFrames, see `manifest`.

    Raises CompanionError where `root` holds no finished FaceSet, or one whose files aren't as they
    were written.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.settings = manifest.settings(self.root)
        self.size = self.settings["size"]
        self.place = Lossless(self.root, self.size)
        self.manifest = manifest.rows(self.root)
        self.missed = manifest.missed(self.root)
        self.doubtful = manifest.doubtful(self.root)

    def __len__(self) -> int:
        return len(self.manifest)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with a crop's pixels, and with whose it is: its label, people, video and part.

        Boxes and landmarks aren't in it. Processors round a few of them to another hundredth of a
        pixel, from which the same crops are cut; what is trained on these has one name everywhere.
        """
        return digest(self.manifest[manifest.CONTENT].to_csv(index=False))

    def rows(self, split: str) -> pd.DataFrame:
        """The manifest rows of "train", "val" or "test", in the order of `images` and `labels`."""
        return self.manifest[self.manifest.split == split].reset_index(drop=True)

    def labels(self, split: str) -> np.ndarray:
        """int64 (N,): 0 real, 1 fake."""
        return self.rows(split).label.to_numpy(np.int64)

    def landmarks(self, split: str) -> np.ndarray:
        """float64 (N, 5, 2): eyes, nose, corners of the mouth; x y in pixels of the crop.

        NaN where unknown.
        """
        columns = self.rows(split)[LANDMARKS].apply(pd.to_numeric, errors="coerce")
        return columns.to_numpy(float).reshape(-1, 5, 2)

    def units(self, split: str) -> np.ndarray:
        """str (N,): which crops succeed or fail together, for intervals.

        A unit is a person, or two who lent each other their faces.
        """
        rows = self.rows(split)
        fakes = rows[rows.label == 1]
        partner = dict(zip(fakes.identity, fakes.source, strict=True))
        unit = {person: person for person in rows.identity}
        for one, other in partner.items():
            if partner.get(other) == one:
                unit[one] = "+".join(sorted((one, other)))
        return rows.identity.map(unit).to_numpy(str)

    def pairs(self, split: str, same_frame: Sequence[str]) -> pd.DataFrame:
        """Fakes of a part, each with the real crop of the same frame; the first one of each video.

        same_frame: the columns that both share (`Source.same_frame`). Where it names none, nobody
        knows such a frame, and the real crop is another one, see `beside`. The real crop's other
        columns end in "_real".
        """
        rows = self.rows(split)
        fakes = rows[rows.label == 1]
        reals = rows[rows.label == 0]
        if not same_frame:
            return beside(fakes, reals)
        both = fakes.merge(reals, on=list(same_frame), suffixes=("", "_real"))
        return both.drop_duplicates(["method", "video"])

    def check_part(self, split: str) -> None:
        """Raise a CompanionError where a part has no crops, no real ones or no fakes."""
        lacks = lack(set(self.rows(split).label), "crops")
        if not lacks:
            return
        raise CompanionError(
            f"{self.root}: the {split} part has no {lacks}; bring videos or photographs that fill "
            "it (missed.csv there says what gave no face)."
        )

    def load(self, file: str) -> np.ndarray:
        """One crop, uint8 (S, S, 3), checked against the manifest's checksum."""
        return self.place.load(file, self.crcs[file])

    @cached_property
    def crcs(self) -> pd.Series:
        """Crop file -> checksum of its pixels."""
        return self.manifest.set_index("file").crc

    def images(self, codec_name: str, split: str) -> Pictures:
        """The split's crops after a codec: uint8 (N, S, S, 3), compressed once and cached.

        Memory-mapped. The cache is rebuilt when the manifest or the encoders change, and where it
        is damaged; a crop that isn't the manifest's is refused. Where the arrays of this set have
        no room (`arrays_fit`), it is `Streamed`: the same pictures, compressed when asked for.
        """
        compress = codec(codec_name)
        rows = self.rows(split)
        if rows.empty:
            raise CompanionError(f"{self.root} has no crops in its {split} part.")
        if not self.arrays_fit:
            return Streamed.of(self.place, compress, rows)
        return self._array(compress, split, rows.file)

    @cached_property
    def arrays_fit(self) -> bool:
        """Whether arrays of all parts after the five codecs fit into the `budget`.

        Either all of a set's arrays are kept, or none is.
        """
        return budget.fits(self.root / "arrays", budget.needed(len(self), self.size))

    def _array(self, compress: Codec, split: str, files: pd.Series) -> np.memmap:
        wanted = cache.Wanted(
            folder=self.root / "arrays",
            name=f"{split}-{compress.name}",
            key=digest(self.fingerprint, vars(compress), versions()),
            shape=(len(files), self.size, self.size, 3),
            crops=self._look(files),
        )
        pictures = partial(self._each, files, compress)
        return cache.array(wanted, pictures, partial(self._check_crops, files, wanted.crops))

    def _look(self, files: pd.Series) -> str:
        """What changes when the size or the time of change of a crop's file does."""
        try:
            found = [(self.root / file).stat() for file in files]
        except OSError as error:
            lost = f"The crop {error.filename} is gone; {self.place.anew}."
            raise CompanionError(lost) from error
        return digest([(stat.st_size, stat.st_mtime_ns) for stat in found])

    def _check_crops(self, files: pd.Series, look: str) -> None:
        """Load all crops that look otherwise than when they were last loaded, as a copy's do."""
        if look not in self._loaded:
            for _ in self._each(files, np.asarray):
                pass
            self._loaded.add(look)

    @cached_property
    def _loaded(self) -> set[str]:
        return set()

    def _each(
        self, files: pd.Series, change: Callable[[np.ndarray], np.ndarray]
    ) -> Iterator[np.ndarray]:
        """Each crop, changed by a function; in order."""
        # Pillow lets go of the interpreter, so threads help; the queue stays short.
        with ThreadPoolExecutor() as pool:
            for i in range(0, len(files), AT_ONCE):
                some = files[i : i + AT_ONCE]
                yield from pool.map(lambda file: change(self.load(file)), some)


def beside(fakes: pd.DataFrame, reals: pd.DataFrame) -> pd.DataFrame:
    """Fakes, each with a real crop to look at beside it; that has columns that end in "_real".

    It is one of the same person where there is one, else anybody's; each in turn. So the two differ
    in more than the forgery. No rows where there are no real crops.
    """
    of_person = {person: list(rows.index) for person, rows in reals.groupby("identity")}
    taken: dict[str, int] = {}
    chosen = []
    for person in fakes.identity if len(reals) else ():
        person = person if person in of_person else ""
        some = of_person.get(person, reals.index)
        turn = taken.get(person, 0)
        taken[person] = turn + 1
        chosen.append(some[turn % len(some)])
    theirs = reals.loc[chosen].add_suffix("_real").reset_index(drop=True)
    ours = fakes.iloc[: len(chosen)].reset_index(drop=True)
    return pd.concat([ours, theirs], axis=1)


def lack(labels: set[int], everything: str = "videos") -> str:
    """What a part lacks that has these labels, 0 real and 1 fake, in a word; "" if nothing.

    everything: the word where it has none.
    """
    if not labels:
        return everything
    if labels == {0, 1}:
        return ""
    return "real faces" if 1 in labels else "fakes"
