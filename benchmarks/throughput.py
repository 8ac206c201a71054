"""How fast are the parts? JPEG twins, MTCNN crops and training images per second, on this machine.

    .venv/bin/python benchmarks/throughput.py

All figures of one run are taken one after the other on the same machine; compare ratios, not
absolute numbers across machines. Renders its own faces; needs no data.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from tcnsc_lib.codecs import CODECS
from tcnsc_lib.detectors.ablations import ClassifierAlone
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.detect import FaceFinder, crop
from tcnsc_lib.files import environment
from tcnsc_lib.machine import device
from tcnsc_lib.profiles import PROFILES, Profile
from tcnsc_lib.synthetic.motion import motion
from tcnsc_lib.synthetic.people import person
from tcnsc_lib.synthetic.render import render
from tcnsc_lib.training.loop import step

SECONDS = 3.0
FACES = 32
BATCH = 64
FRAME = 160  # pixels a side
CROP = 224


def rate(work: Callable[[], int]) -> float:
    """Items per second of `work`, which returns how many it did.

    One call to warm up, then calls for SECONDS.
    """
    work()
    done = 0
    start = time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        done += work()
    return done / spent


def frames() -> np.ndarray:
    """A frame of each of FACES people, uint8 (FACES, FRAME, FRAME, 3)."""
    drawn = []
    for seed in range(FACES):
        [pose] = motion(seed, 1)
        image, _ = render(person(seed), pose, FRAME, seed=seed)
        drawn.append(image)
    return np.stack(drawn)


def detection(images: np.ndarray, finder: FaceFinder) -> list[np.ndarray]:
    """Their faces, found and cut."""
    boxes = [faces.boxes[0] for faces in finder.all(images)]
    return [crop(image, box, CROP, 1.3) for image, box in zip(images, boxes, strict=True)]


def compression(name: str, crops: list[np.ndarray]) -> int:
    """A twin of each crop."""
    for image in crops:
        CODECS[name](image)
    return len(crops)


def training(p: Profile, views: int) -> float:
    """Images per second through forward, backward and Adam.

    views: 1, model B on batches of 64 images, or 2, TCNSC on 64 pairs.
    """
    where = device()
    kind = TCNSC if views == 2 else ClassifierAlone
    detector = kind(p.size, p.width).to(where, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(detector.parameters(), 1e-4)
    noise = torch.randn(BATCH, 3, p.size, p.size, device=where)
    x = [noise.contiguous(memory_format=torch.channels_last)] * views
    y = torch.arange(BATCH, device=where) % 2

    def work() -> int:
        step(detector, [optimizer], x, y, p.schedule.precision, 0)
        return BATCH * views

    return rate(work)


def measured() -> dict[str, float]:
    """What was done -> items per second."""
    images = frames()
    finder = FaceFinder(device())
    crops = detection(images, finder)
    rates = {}
    for name, codec in CODECS.items():
        if codec.kind != "none":
            title = f"{name} twins, {CROP} px, one thread"
            rates[title] = rate(lambda name=name: compression(name, crops))
    rates[f"MTCNN crops, {FRAME} px frames"] = rate(lambda: len(detection(images, finder)))
    for name in ("demo", "photos", "ffpp"):
        p = PROFILES[name]
        about = f"profile {name} ({p.size} px, width {p.width}, {p.schedule.precision})"
        for views in (1, 2):
            rates[f"training images, {about}, {views} view(s)"] = training(p, views)
    return rates


def main() -> None:
    print(environment(device()), f"{torch.get_num_threads()} threads")
    rates = measured()
    reference = next(iter(rates.values()))
    for title, value in rates.items():
        print(f"{value:10.1f} /s   {value / reference:7.3f} x HQ   {title}")


if __name__ == "__main__":
    main()
