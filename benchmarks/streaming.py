"""What do crops without arrays cost? Pairs a second, streamed, from arrays and by a plain loader.

    .venv/bin/python benchmarks/streaming.py

Renders its own faces into a folder that is deleted at the end. Ways take turns, several times;
compare ratios of one run, not numbers of two machines. The machine should be idle.

    plain     what one writes first: Pillow in a Dataset, a DataLoader without workers
    streamed  `Batches` of a set without arrays: each crop checked, its twin made anew
    array     `Batches` of the same set with its arrays

All end with what a detector sees: both views mirrored alike by chance, and normalised. "One core"
lets the process have no other. "Two by themselves" are two processes that know nothing of each
other, with a core each: what this machine's cores can do at most side by side.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from throughput import frames
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.functional import hflip, normalize, to_tensor

from tcnsc_lib.detectors.ablations import ClassifierAlone
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.budget import BUDGET
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import environment
from tcnsc_lib.machine import cores, device
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.training.batches import Batches, Draws, Part
from tcnsc_lib.training.loop import step
from tcnsc_lib.training.schedule import Schedule

SECONDS = 3.0  # of a turn
TURNS = 5
BATCH = 64
CROPS = 8 * BATCH
EPOCHS = 3
SCHEDULE = Schedule(batch_size=BATCH, iterations=1 << 40, precision="float32")
VIEWS = ("RAW", "LQ")
Step = Callable[[], None]  # takes a batch of pairs


def build(root: Path, size: int, faces: np.ndarray) -> FaceSet:
    """CROPS training crops of this size, real and fake in turn: faces, shifted by some pixels."""
    builder = Builder(root, {"size": size})
    keys = []
    for number in range(CROPS):
        face = cv2.resize(faces[number % len(faces)], (size, size))
        crop = np.roll(face, number // len(faces), axis=1)
        label = number % 2
        row = {"label": label, "video": f"{number:04d}", "frame": 0, "identity": f"{number:04d}"}
        row |= {"source": "", "method": "swap" if label else "original", "split": "train"}
        row |= {"x0": 0, "y0": 0, "x1": size, "y1": size, "probability": 1.0}
        builder.add(row["method"], row["video"], [row], [crop], [])
        keys.append((row["method"], row["video"]))
    return builder.finish(keys)


def opened(root: Path, arrays: bool) -> FaceSet:
    """That set, with arrays or without."""
    os.environ[BUDGET] = "100" if arrays else "0"
    faces = FaceSet(root)
    assert faces.arrays_fit is arrays
    return faces


class Plain(Dataset):
    """Both views of a crop and its label, as one writes it first."""

    def __init__(self, faces: FaceSet):
        rows = faces.rows("train")
        self.files = [faces.root / file for file in rows.file]
        self.labels = rows.label.tolist()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        image = Image.open(self.files[i]).convert("RGB")
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=20)
        twin = Image.open(buffer)
        views = [to_tensor(image), to_tensor(twin)]
        if random.random() < 0.5:
            views = [hflip(view) for view in views]
        colours = (ClassifierAlone.mean, ClassifierAlone.std)
        x, x_twin = [normalize(view, *colours) for view in views]
        return x, x_twin, self.labels[i]


def plain(faces: FaceSet) -> Step:
    def endless() -> Iterator[list[torch.Tensor]]:
        while True:
            yield from DataLoader(Plain(faces), BATCH, shuffle=True)

    batches = endless()
    return lambda: next(batches)


def ours(faces: FaceSet, workers: int) -> Batches:
    detector = ClassifierAlone(faces.size, 8)
    part = Part(detector, faces, VIEWS, device())
    return Batches(Draws(detector, part, BATCH, 0), SCHEDULE, workers)


def loading(batches: Batches) -> Step:
    """Batches up to what the detector sees."""
    iterations = count()
    return lambda: batches.at(next(iterations))


def training(batches: Batches) -> Step:
    """A step of TCNSC on each batch, of the size that profile photos has."""
    p = PROFILES["photos"]
    detector = TCNSC(p.size, p.width).to(device(), memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(detector.parameters(), 1e-4)
    iterations = count()

    def work() -> None:
        step(detector, [optimizer], *batches.at(next(iterations)), "float32", 0)

    return work


def rates(ways: dict[str, Step], several: list[Batches]) -> dict[str, float]:
    """Pairs a second of each way: the median of TURNS turns, which all ways take in turn."""
    told: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, work in ways.items():
            told[name].append(turn(work))
            for batches in several:
                batches.close()  # else threads prepare the next turn while others have theirs
    return {name: statistics.median(each) for name, each in told.items()}


def turn(work: Step) -> float:
    """Pairs a second."""
    work()  # starts its threads
    done = 0
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        work()
        done += BATCH
    return done / spent


# one core and all


def loaded(root: Path, threads: int, core: int | None) -> subprocess.Popen:
    """A process that prints the pairs a second of a streamed set; on this core, or on all."""
    where = "all" if core is None else str(core)
    command = [sys.executable, __file__, str(root), str(threads), where]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(*processes: subprocess.Popen) -> list[float]:
    return [float(process.communicate()[0].splitlines()[-1]) for process in processes]


def on_cores(root: Path) -> dict[str, float]:
    """Pairs a second with one core, with two, and of two processes with one each."""
    first, second = sorted(os.sched_getaffinity(0))[:2]
    told: dict[str, list[float]] = {}
    for _ in range(TURNS):
        [one] = said(loaded(root, 0, first))
        [both] = said(loaded(root, 2, None))
        apart = sum(said(*[loaded(root, 0, core) for core in (first, second)]))
        for name, rate in (("one core", one), ("two cores", both), ("two by themselves", apart)):
            told.setdefault(name, []).append(rate)
    return {name: statistics.median(each) for name, each in told.items()}


def load(root: Path, threads: int, core: str) -> None:
    """What such a process does."""
    if core != "all":
        os.sched_setaffinity(0, {int(core)})
    torch.set_num_threads(1)
    print(turn(loading(ours(opened(root, arrays=False), threads))))


# a short training's batches


def epochs(root: Path) -> dict[str, float]:
    """Pairs a second of EPOCHS epochs, with all that must be done before."""
    found = {}
    for name in ("plain", "array", "streamed"):
        shutil.rmtree(root / "arrays", ignore_errors=True)
        start = time.perf_counter()
        faces = opened(root, name == "array")
        batches = ours(faces, cores())
        work = plain(faces) if name == "plain" else loading(batches)
        for _ in range(EPOCHS * CROPS // BATCH):
            work()
        found[name] = EPOCHS * CROPS / (time.perf_counter() - start)
        batches.close()
    return found


def tell(title: str, found: dict[str, float]) -> None:
    """A line each; ratios to the first."""
    reference = next(iter(found.values()))
    print(title)
    for name, value in found.items():
        print(f"{value:10.1f} pairs/s   {value / reference:6.2f} x   {name}", flush=True)


def main() -> None:
    torch.set_num_threads(1)  # as a training on a CPU
    print(environment(device()), f"{cores()} cores")
    faces = frames()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "224"
        build(root, 224, faces)
        if cores() > 1:
            tell("Batches of 224 px, streamed", on_cores(root))
        tell(f"Batches of 224 px, {EPOCHS} epochs with what comes before", epochs(root))
        root = Path(folder) / "96"
        build(root, 96, faces)
        small = {f"array, {n} threads": ours(opened(root, True), n) for n in (0, 1)}
        small |= {f"streamed, {n} threads": ours(opened(root, False), n) for n in (0, 1)}
        ways = {name: training(batches) for name, batches in small.items()}
        tell("Training TCNSC on 96 px", rates(ways, list(small.values())))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        load(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    else:
        main()
