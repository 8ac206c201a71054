"""FaceSet: face crops on disk with one manifest row each, splits, and arrays for each codec.

    <root>/crops/<split>/<real|fake>/<video>/<frame>.png   lossless crops, open the folder and look
    <root>/manifest.csv   a row for each crop
    <root>/missed.csv     frames and videos that gave none, and why
    <root>/about.json     how it was made
    <root>/arrays/        cached arrays, safe to delete
    <root>/pieces/        what each video gave; an extraction that was cut short goes on from here

`label` is 0 for real and 1 for fake, everywhere. `identity` is the person whose head and background
it is (the target), `source` the person whose face was put in, empty for a real crop. The box is in
pixels of the frame, landmarks (left as seen in the picture) are in pixels of the crop.
"""

from __future__ import annotations

import io
import shutil
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import Codec, codec, versions
from tcnsc_lib.files import atomic, digest, read_json, signature

SPLITS = ("train", "val", "test")
POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
LANDMARKS = [f"{point}_{axis}" for point, axis in product(POINTS, "xy")]
WHO = ["file", "label", "video", "frame", "identity", "source", "method", "split"]
COLUMNS = [*WHO, "x0", "y0", "x1", "y1", "probability", *LANDMARKS, "crc"]
TEXT = dict.fromkeys(("video", "identity", "source", "method", "split"), str)
AT_ONCE = 1024  # crops in the queue while an array is filled


class FaceSet:
    """Crops that are on disk. `manifest` and `missed` are DataFrames with the columns named above.

    Raises CompanionError where `root` holds no finished FaceSet.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        path = self.root / "manifest.csv"
        if not path.exists():
            begun = (self.root / "about.json").exists()
            state = "an unfinished FaceSet" if begun else "no FaceSet"
            raise CompanionError(
                f"There is {state} in {self.root}; run `tcnsc faces` (again) to complete it."
            )
        self.manifest = pd.read_csv(path, dtype=TEXT, keep_default_na=False)
        try:
            missed = self.root / "missed.csv"
            self.missed = pd.read_csv(missed, dtype=str, keep_default_na=False)
            self.settings = read_json(self.root / "about.json")["settings"]
        except (FileNotFoundError, KeyError) as error:
            raise CompanionError(
                f"The FaceSet in {self.root} has lost missed.csv or about.json; delete that folder "
                "and run `tcnsc faces` again."
            ) from error
        if set(COLUMNS) - set(self.manifest):
            raise CompanionError(
                f"The faces in {self.root} were made by an older version; delete "
                f"{self.root.parent} and run `tcnsc faces` again."
            )
        self.size = self.settings["size"]

    def __len__(self) -> int:
        return len(self.manifest)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when any manifest row does; each holds the checksum of its crop's pixels."""
        return digest(self.manifest.to_csv(index=False))

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

        same_frame: the columns that both share (`Source.same_frame`). The real crop's other columns
        end in "_real".
        """
        rows = self.rows(split)
        fakes = rows[rows.label == 1]
        reals = rows[rows.label == 0]
        both = fakes.merge(reals, on=list(same_frame), suffixes=("", "_real"))
        return both.drop_duplicates("video")

    def load(self, file: str) -> np.ndarray:
        """One crop, uint8 (S, S, 3), checked against the manifest's checksum."""
        path = self.root / file
        again = f"delete {self.root} and extract the faces again"
        try:
            with Image.open(path) as image:
                crop = np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise CompanionError(f"The crop {path} can't be read ({error}); {again}.") from error
        if zlib.crc32(crop.tobytes()) != self.crcs[file]:
            raise CompanionError(f"The crop {path} is not the one in the manifest; {again}.")
        return crop

    @cached_property
    def crcs(self) -> pd.Series:
        """Crop file -> checksum of its pixels."""
        return self.manifest.set_index("file").crc

    def images(self, codec_name: str, split: str) -> np.ndarray:
        """The split's crops after a codec: uint8 (N, S, S, 3), compressed once and cached.

        Memory-mapped. The cache is rebuilt when the manifest or the encoders change; a crop that
        isn't the manifest's is refused.
        """
        compress = codec(codec_name)
        rows = self.rows(split)
        if rows.empty:
            raise CompanionError(f"{self.root} has no crops in its {split} part.")
        try:
            stats = [signature(self.root / file) for file in rows.file]
        except FileNotFoundError as error:
            raise CompanionError(
                f"The crop {error.filename} is gone; delete {self.root} and extract the faces "
                "again."
            ) from error
        key = digest(self.fingerprint, vars(compress), versions(), stats)
        name = f"{split}-{codec_name}"
        path = self.root / "arrays" / f"{name}-{key}.npy"
        if not path.exists():
            for stale in path.parent.glob(f"{name}-*.npy"):
                stale.unlink()
            self._fill(path, compress, rows.file)
        return np.load(path, mmap_mode="r")

    def _fill(self, path: Path, compress: Codec, files: pd.Series) -> None:
        """Write the array front to back: so a full disk is an error, not a memory map's crash."""
        shape = (len(files), self.size, self.size, 3)
        need = int(np.prod(shape))
        free = shutil.disk_usage(self.root).free
        if need > free:
            raise CompanionError(
                f"{path} needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; make room, or "
                "set TCNSC_HOME to a larger disk."
            )
        path.parent.mkdir(exist_ok=True)
        head = {"descr": "|u1", "fortran_order": False, "shape": shape}
        title = path.stem.rsplit("-", 1)[0]
        bar = tqdm(total=len(files), desc=title, leave=False)
        with atomic(path) as part, open(part, "wb") as file, ThreadPoolExecutor() as pool, bar:
            np.lib.format.write_array_header_1_0(file, head)
            # Pillow lets go of the interpreter, so threads help; the queue stays short.
            for i in range(0, len(files), AT_ONCE):
                some = files[i : i + AT_ONCE]
                for image in pool.map(lambda name: compress(self.load(name)), some):
                    file.write(image.tobytes())
                    bar.update()


def open_image(path: Path) -> np.ndarray:
    """A photograph as uint8 (H, W, 3) RGB; a CompanionError names a file that can't be one."""
    try:
        data = io.BytesIO(Path(path).read_bytes())
        with Image.open(data) as image:
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError as error:
        raise CompanionError(f"There is no file {path}; check the name.") from error
    except UnidentifiedImageError as error:
        message = "its format is unknown"
        raise CompanionError(_no_image(path, message)) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CompanionError(_no_image(path, error)) from error


def _no_image(path: Path, reason: object) -> str:
    return f"{path} can't be read as an image ({reason}); replace or remove it."
