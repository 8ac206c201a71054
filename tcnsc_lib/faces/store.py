"""FaceSet: face crops on disk with one manifest row each, splits, and arrays per codec.

    <root>/crops/<split>/<real|fake>/<video>/<frame>.png   lossless crops, open the folder and look
    <root>/manifest.csv   a row for each crop        <root>/missed.csv   frames and videos that gave none, and why
    <root>/about.json     how it was made            <root>/arrays/      cached arrays, safe to delete
    <root>/pieces/        what each video gave; an extraction that was cut short goes on from here

`label` is 0 for real and 1 for fake, everywhere. `identity` is the person whose head and background it is (the
target), `source` the person whose face was put in, empty for a real crop. The box is in pixels of the frame, landmarks
(left as seen in the picture) are in pixels of the crop.
"""
from __future__ import annotations

import io
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import codec, versions
from tcnsc_lib.files import atomic, digest, read_json, signature, write_json, write_text

SPLITS = ("train", "val", "test")
LANDMARKS = [f"{point}_{axis}" for point in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth") for axis in "xy"]
COLUMNS = ["file", "label", "video", "frame", "identity", "source", "method", "split",
           "x0", "y0", "x1", "y1", "probability", *LANDMARKS, "crc"]
MISSED = ["video", "method", "split", "frame", "reason"]


class Builder:
    """Fills a FaceSet folder piece by piece (a video, a photograph); a piece is there whole or not at all.

    settings: all that determines the crops. A folder that was begun with other settings is refused.
    """

    def __init__(self, root: Path, settings: dict):
        self.root, about = Path(root), Path(root) / "about.json"
        old = read_json(about).get("settings", {}) if about.exists() else settings
        if old != settings:
            changed = ", ".join(f"{k}: {old.get(k)} there, {settings.get(k)} now"
                                for k in sorted({*old, *settings}) if old.get(k) != settings.get(k))
            raise CompanionError(f"The faces in {root} were made otherwise ({changed}); delete that folder to make "
                                 "them anew, or set TCNSC_HOME to another folder to keep it.")
        self.settings = settings
        if not about.exists():
            write_json(about, {"settings": settings, "codecs": versions()})

    def piece(self, method: str, video: str) -> Path:
        return self.root / "pieces" / method / f"{video}.json"

    def done(self, method: str, video: str, of: list[int] | None = None) -> bool:
        """Whether this video's crops are all on disk, and (of: its `signature`) were cut from the same file."""
        piece = self.piece(method, video)
        return piece.exists() and read_json(piece).get("of") == of

    def add(self, method: str, video: str, rows: list[dict], crops: list[np.ndarray], missed: list[dict],
            of: list[int] | None = None) -> None:
        """Write the crops (uint8 (S, S, 3)), then the piece that vouches for them."""
        for row, crop in zip(rows, crops, strict=True):
            row["file"] = f"crops/{row['split']}/{'fake' if row['label'] else 'real'}/{video}/{row['frame']:04d}.png"
            row["crc"] = zlib.crc32(crop.tobytes())
            path = self.root / row["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop).save(path, compress_level=1)
        write_json(self.piece(method, video), {"of": of, "rows": rows, "missed": missed})

    def complete(self, keys: list[tuple]) -> bool:
        """Whether the manifest on disk is that of exactly these (method, video, ...)."""
        about = read_json(self.root / "about.json")
        return about.get("keys") == digest(keys) and (self.root / "manifest.csv").exists()

    def finish(self, keys: list[tuple], failed: dict[tuple, dict] | None = None) -> FaceSet:
        """Gather the pieces of these (method, video, ...) in this order into the manifest.

        Whatever else a key holds is the signature of a file: where one changes, the set is no longer complete.
        failed: what to list as missed for those that couldn't be read; they have no piece.
        """
        failed = failed or {}
        pieces = [{"rows": [], "missed": [failed[key]]} if key in failed else read_json(self.piece(*key[:2]))
                  for key in keys]
        rows = pd.DataFrame([row for piece in pieces for row in piece["rows"]], columns=COLUMNS)
        missed = pd.DataFrame([row for piece in pieces for row in piece["missed"]], columns=MISSED)
        if rows.empty:
            raise CompanionError(f"No face was found in anything given for {self.root}; see what was missed: "
                                 f"{missed.reason.value_counts().to_dict()}.")
        write_text(self.root / "missed.csv", missed.to_csv(index=False))
        write_text(self.root / "manifest.csv", rows.to_csv(index=False))
        about = {"settings": self.settings, "codecs": versions(), "keys": digest(keys)}
        write_json(self.root / "about.json", about)
        return FaceSet(self.root)


class FaceSet:
    """Crops that are on disk. `manifest` and `missed` are DataFrames with the columns named above.

    Raises CompanionError where `root` holds no finished FaceSet.
    """

    def __init__(self, root: Path):
        self.root = Path(root)
        if not (self.root / "manifest.csv").exists():
            state = "an unfinished FaceSet" if (self.root / "about.json").exists() else "no FaceSet"
            raise CompanionError(f"There is {state} in {self.root}; run `tcnsc faces` (again) to complete it.")
        text = {name: str for name in ("video", "identity", "source", "method", "split")}
        self.manifest = pd.read_csv(self.root / "manifest.csv", dtype=text, keep_default_na=False)
        try:
            self.missed = pd.read_csv(self.root / "missed.csv", dtype=str, keep_default_na=False)
            self.settings = read_json(self.root / "about.json")["settings"]
        except (FileNotFoundError, KeyError) as error:
            raise CompanionError(f"The FaceSet in {self.root} has lost missed.csv or about.json; delete that folder and "
                                 "run `tcnsc faces` again.") from error
        if set(COLUMNS) - set(self.manifest):
            raise CompanionError(f"The faces in {self.root} were made by an older version; delete {self.root.parent} and "
                                 "run `tcnsc faces` again.")
        self.size = self.settings["size"]

    def __len__(self) -> int:
        return len(self.manifest)

    def rows(self, split: str) -> pd.DataFrame:
        """The manifest rows of "train", "val" or "test", in the order of `images` and `labels`."""
        return self.manifest[self.manifest.split == split].reset_index(drop=True)

    def labels(self, split: str) -> np.ndarray:
        """int64 (N,): 0 real, 1 fake."""
        return self.rows(split).label.to_numpy(np.int64)

    def landmarks(self, split: str) -> np.ndarray:
        """float64 (N, 5, 2): eyes, nose, corners of the mouth, x y in pixels of the crop; NaN where unknown."""
        return self.rows(split)[LANDMARKS].apply(pd.to_numeric, errors="coerce").to_numpy(float).reshape(-1, 5, 2)

    def units(self, split: str) -> np.ndarray:
        """str (N,): which crops succeed or fail together, for intervals. A person, or two who lent each other their faces."""
        rows = self.rows(split)
        fakes = rows[rows.label == 1]
        partner = dict(zip(fakes.identity, fakes.source))
        mutual = {a: "+".join(sorted((a, b))) for a, b in partner.items() if partner.get(b) == a}
        return rows.identity.map(lambda person: mutual.get(person, person)).to_numpy(str)

    @cached_property
    def fingerprint(self) -> str:
        """Changes when any manifest row does, and each row holds the checksum of its crop's pixels."""
        return digest(self.manifest.to_csv(index=False))

    def load(self, file: str) -> np.ndarray:
        """One crop, uint8 (S, S, 3), checked against the manifest's checksum."""
        try:
            with Image.open(self.root / file) as image:
                crop = np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise CompanionError(f"The crop {self.root / file} can't be read ({error}); delete "
                                 f"{self.root} and extract the faces again.") from error
        if zlib.crc32(crop.tobytes()) != self.crcs[file]:
            raise CompanionError(f"The crop {self.root / file} is not the one in the manifest; delete "
                                 f"{self.root} and extract the faces again.")
        return crop

    @cached_property
    def crcs(self) -> pd.Series:
        """Crop file -> checksum of its pixels."""
        return self.manifest.set_index("file").crc

    def images(self, codec_name: str, split: str) -> np.ndarray:
        """The split's crops after a codec: memory-mapped uint8 (N, S, S, 3), compressed once and cached.

        The cache is rebuilt when the manifest or the encoders change; a crop that isn't the manifest's is refused.
        """
        compress, rows = codec(codec_name), self.rows(split)
        if rows.empty:
            raise CompanionError(f"{self.root} has no crops in its {split} part.")
        try:
            stats = [signature(self.root / file) for file in rows.file]
        except FileNotFoundError as error:
            raise CompanionError(f"The crop {error.filename} is gone; delete {self.root} and extract the faces "
                                 "again.") from error
        key = digest(self.fingerprint, vars(compress), versions(), stats)
        path = self.root / "arrays" / f"{split}-{codec_name}-{key}.npy"
        if not path.exists():
            for stale in path.parent.glob(f"{split}-{codec_name}-*.npy"):
                stale.unlink()
            self._fill(path, compress, rows.file)
        return np.load(path, mmap_mode="r")

    def _fill(self, path: Path, compress, files: pd.Series) -> None:
        """Write the array front to back: a full disk then is an error, which a memory map would make a crash."""
        need, free = len(files) * self.size**2 * 3, shutil.disk_usage(self.root).free
        if need > free:
            raise CompanionError(f"{path} needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; make room, or set "
                                 "TCNSC_HOME to a larger disk.")
        path.parent.mkdir(exist_ok=True)
        head = {"descr": "|u1", "fortran_order": False, "shape": (len(files), self.size, self.size, 3)}
        with atomic(path) as part, open(part, "wb") as file, ThreadPoolExecutor() as pool:
            np.lib.format.write_array_header_1_0(file, head)
            bar = tqdm(total=len(files), desc=path.stem[:-11], leave=False)
            for i in range(0, len(files), 1024):  # Pillow lets go of the interpreter; the queue stays short
                for image in pool.map(lambda name: compress(self.load(name)), files[i : i + 1024]):
                    file.write(image.tobytes())
                    bar.update()
            bar.close()


def open_image(path: Path) -> np.ndarray:
    """A photograph as uint8 (H, W, 3) RGB; a CompanionError names a file that is damaged or no image."""
    try:
        with Image.open(io.BytesIO(Path(path).read_bytes())) as image:
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError as error:
        raise CompanionError(f"There is no file {path}; check the name.") from error
    except UnidentifiedImageError as error:
        raise CompanionError(f"{path} can't be read as an image (its format is unknown); replace or remove it.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CompanionError(f"{path} can't be read as an image ({error}); replace or remove it.") from error
