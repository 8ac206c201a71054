"""Does memory grow with the number of crops? Peak of a streamed training, and opening a set.

    .venv/bin/python benchmarks/memory.py

Makes two sets in a folder that is deleted at the end. All their crops are hard links to a few
files, so a large set takes little disk. Each is opened, and trained on for some steps, in a
process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
from PIL import Image

from tcnsc_lib.detectors.ablations import ClassifierAlone
from tcnsc_lib.faces import manifest
from tcnsc_lib.faces.budget import BUDGET
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import environment
from tcnsc_lib.machine import device
from tcnsc_lib.training.batches import Batches, Draws, Part
from tcnsc_lib.training.schedule import Schedule

SIZE = 224
SIZES = (10_000, 600_000)
VIDEO = 300  # crops of a video
DIFFERENT = 16  # crops that the links lead to; a file may have 65,000 names
SCHEDULE = Schedule(batch_size=64, iterations=60)
WORKERS = 2


def build(root: Path, count: int) -> None:
    """A set of so many training crops, half of them fakes."""
    root.mkdir()
    random = np.random.default_rng(0)
    crops = random.integers(0, 256, (DIFFERENT, SIZE, SIZE, 3), np.uint8)
    for number, crop in enumerate(crops):
        Image.fromarray(crop).save(root / f"{number}.png")
    crcs = np.array([crc32(crop.tobytes()) for crop in crops])
    number = np.arange(count)
    video = number // VIDEO
    frame = number % VIDEO
    label = video % 2
    kinds = np.array(["real", "fake"])
    people = np.char.zfill((video // 2).astype(str), 4)
    table = pd.DataFrame({"label": label, "video": people, "frame": frame, "identity": people})
    table["source"] = np.where(label == 1, "9999", "")
    table["method"] = np.array(["original", "Deepfakes"])[label]
    table["split"] = "train"
    table["file"] = "crops/train/" + kinds[label] + "/" + people + "/"
    table["file"] += np.char.zfill(frame.astype(str), 4) + ".png"
    for column, value in zip(("x0", "y0", "x1", "y1"), (0, 0, SIZE, SIZE), strict=True):
        table[column] = float(value)
    table["probability"] = 1.0
    for column in manifest.LANDMARKS:
        table[column] = 1.0
    table["crc"] = crcs[number % DIFFERENT]
    for name, place in zip(table.file, number % DIFFERENT, strict=True):
        path = root / name
        if name.endswith("0000.png"):
            path.parent.mkdir(parents=True, exist_ok=True)
        os.link(root / f"{place}.png", path)
    table[manifest.COLUMNS].to_csv(root / "manifest.csv", index=False)
    pd.DataFrame(columns=manifest.MISSED).to_csv(root / "missed.csv", index=False)
    pd.DataFrame(columns=manifest.DOUBTFUL).to_csv(root / "doubtful.csv", index=False)
    about = {"settings": {"size": SIZE}, "digests": manifest.digests(root, "")}
    (root / "about.json").write_text(json.dumps(about))


def measure(root: Path) -> None:
    """Print the seconds that opening took, and the most MB that the process held."""
    os.environ[BUDGET] = "0"
    start = time.process_time()
    faces = FaceSet(root)
    opened = time.process_time() - start
    detector = ClassifierAlone(SIZE, 8)
    part = Part(detector, faces, ("RAW", "LQ"), "cpu")
    batches = Batches(Draws(detector, part, SCHEDULE.batch_size, 0), SCHEDULE, WORKERS)
    for iteration in range(SCHEDULE.iterations):
        batches.at(iteration)
    batches.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB on Linux
    print(json.dumps({"opened": opened, "peak": peak / 1000}))


def main() -> None:
    print(environment(device()))
    told = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in SIZES:
            root = Path(folder) / str(count)
            build(root, count)
            command = [sys.executable, __file__, str(root)]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            told[count] = json.loads(said.splitlines()[-1])
    print(f"{'crops':>10} {'opened, s':>10} {'peak, MB':>10}")
    for count, found in told.items():
        print(f"{count:10,} {found['opened']:10.1f} {found['peak']:10.0f}")
    few, many = SIZES
    grown = told[many]["peak"] / told[few]["peak"]
    print(f"peak memory with {many // few} x as many crops: {grown:.2f} x")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
    else:
        main()
