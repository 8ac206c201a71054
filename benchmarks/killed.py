"""What survives kill -9: an extraction and a streamed training, killed again and again.

    .venv/bin/python benchmarks/killed.py

Renders a few people, and lets a process extract their faces, then one that trains on these without
arrays. Each is killed at random moments, itself or one of its workers, and started again, until it
has ended; then all its files are compared with those of one that nobody killed, and it begins anew
in an empty folder, until there were KILLS of them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from os import environ
from pathlib import Path

import numpy as np
import psutil

from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.budget import BUDGET
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import environment
from tcnsc_lib.machine import device
from tcnsc_lib.synthetic.demo import make_demo
from tcnsc_lib.synthetic.scale import Scale
from tcnsc_lib.training import loop
from tcnsc_lib.training.run import Plan, train
from tcnsc_lib.training.schedule import Schedule

KILLS = 20
SEED = 0
SCALE = Scale(train=1, val=1, test=1, length=12)
CUT = FaceSettings(size=64, enlarge=1.3, frames=12, split="official")
SCHEDULE = Schedule(iterations=40, batch_size=16, precision="float32", validate=20)
BEGUN = "begun"  # what a process prints once its libraries are loaded
FEWEST = 0.2  # of the longest time that a process is given before it is killed
EXACT = {"faces": ("*.csv", "*.json", "*.png"), "train": ("weights.safetensors", "log.csv")}


@dataclass
class Told:
    """What the kills of a kind of work did: of processes, of their workers, and what differed."""

    kills: int = 0
    of_workers: int = 0
    ended: int = 0
    files: int = 0
    different: int = 0


# what is killed


def faces(videos: Path, out: Path) -> None:
    FaceForensics(videos, out, CUT).faces()


def training(crops: Path, out: Path) -> None:
    """Without arrays, and with a checkpoint at nearly every step."""
    environ[BUDGET] = "0"
    loop.CHECKPOINT_SECONDS = 0.1
    plan = Plan(
        experiment="(RAW, LQ)",
        profile="killed",
        detector=TCNSC,
        arguments={"input_size": CUT.size, "width": 8, "width_z": 16},
        views=("RAW", "LQ"),
        schedule=SCHEDULE,
        faces=FaceSet(crops),
        enlarge=CUT.enlarge,
        root=out,
    )
    train(plan)


WORK = {"faces": faces, "train": training}


# who kills


def start(kind: str, given: Path, out: Path) -> subprocess.Popen:
    """A process that has begun its work; its workers haven't yet."""
    command = [sys.executable, __file__, kind, str(given), str(out)]
    silent = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    process = subprocess.Popen(command, **silent)
    process.stdout.readline()
    return process


def ends(process: subprocess.Popen, patience: float | None = None) -> bool:
    """Whether it ends within so many seconds. Raises RuntimeError where it fails."""
    try:
        status = process.wait(patience)
    except subprocess.TimeoutExpired:
        return False
    if status:
        raise RuntimeError(f"{process.args} ended with {status}")
    return True


def kill(process: subprocess.Popen, random: np.random.Generator, told: Told) -> None:
    """kill -9 of it or of one of its workers, and wait for its own end.

    Workers end within a second after it, and meanwhile write beside those of the next one.
    """
    main = psutil.Process(process.pid)
    workers = [each for each in main.children(True) if is_worker(each)]
    victim = random.choice([main, *workers])
    told.kills += 1
    told.of_workers += victim is not main
    victim.kill()
    process.communicate()


def is_worker(process: psutil.Process) -> bool:
    """Whether it is one of joblib's, and still there."""
    try:
        return "popen_loky" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def compare(kind: str, one: Path, other: Path, told: Told) -> None:
    """Count the files of an uninterrupted work, and those that are others or not there."""
    for pattern in EXACT[kind]:
        for path in sorted(one.rglob(pattern)):
            twin = other / path.relative_to(one)
            told.files += 1
            told.different += not twin.exists() or twin.read_bytes() != path.read_bytes()
    told.ended += 1


def torment(kind: str, given: Path, folder: Path) -> Told:
    """Kill a kind of work so often, and compare what comes out whenever it has ended."""
    random = np.random.default_rng(SEED)
    reference = folder / "reference"
    process = start(kind, given, reference)
    begun = time.perf_counter()
    ends(process)
    longest = time.perf_counter() - begun
    print(f"{kind}: {longest:.1f} s without a kill", flush=True)
    told = Told()
    done = False
    while told.kills < KILLS or not done:
        out = folder / f"{told.ended}"
        process = start(kind, given, out)
        patience = longest * random.uniform(FEWEST, 1) if told.kills < KILLS else None
        done = ends(process, patience)
        if done:
            compare(kind, reference, out, told)
        else:
            kill(process, random, told)
    return told


def main() -> None:
    print(environment(device()))
    found = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        make_demo(root / "videos", SCALE)
        found["faces"] = torment("faces", root / "videos", root / "faces")
        crops = root / "faces/reference/raw"
        found["train"] = torment("train", crops, root / "runs")
    print(f"{'':8}{'kills':>8}{'of workers':>12}{'ended':>8}{'files':>8}{'different':>11}")
    for kind, told in found.items():
        counts = f"{told.kills:8}{told.of_workers:12}{told.ended:8}{told.files:8}"
        print(f"{kind:8}{counts}{told.different:11}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(BEGUN, flush=True)
        WORK[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
