"""How fast are the parts? JPEG twins, MTCNN crops and training images per second, on this machine.

    .venv/bin/python benchmarks/throughput.py

All figures of one run are taken one after the other on the same machine; compare ratios, not absolute numbers across
machines. Renders its own faces; needs no data.
"""
from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from tcnsc_lib.codecs import CODECS
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.faces.detect import FaceFinder, crop
from tcnsc_lib.faces.render import motion, person, render
from tcnsc_lib.files import environment
from tcnsc_lib.training import device, step

SECONDS = 3.0


def rate(work: Callable[[], int]) -> float:
    """Items per second of `work`, which returns how many it did; one call to warm up, then calls for SECONDS."""
    work()
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        done += work()
    return done / spent


def training(size: int, width: int, precision: str, views: int) -> float:
    """Pairs (or, with one view, images) per second through forward, backward and Adam, batch 64."""
    detector = TCNSC(size, width).to(device(), memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(detector.parameters(), 1e-4)
    x = [torch.randn(64, 3, size, size, device=device()).contiguous(memory_format=torch.channels_last)] * views
    y = torch.arange(64, device=device()) % 2

    def work() -> int:
        step(detector, optimizer, x, y, precision, 0)
        return 64 * views

    return rate(work)


def main() -> None:
    frames = np.stack([render(person(i), motion(i, 1)[0], 160, seed=i)[0] for i in range(32)])
    finder = FaceFinder(device())
    boxes = finder(frames).boxes
    crops = [crop(frame, box, 224, 1.3) for frame, box in zip(frames, boxes, strict=True)]

    def detect() -> int:
        for frame, box in zip(frames, finder(frames).boxes, strict=True):
            crop(frame, box, 224, 1.3)
        return len(frames)

    print(environment(device()), f"{torch.get_num_threads()} threads")
    rows = [(f"{name} twins, 224 px, one thread", rate(lambda c=c: len([c(image) for image in crops])))
            for name, c in CODECS.items() if c.kind != "none"]
    rows.append(("MTCNN crops, 160 px frames", rate(detect)))
    for name in ("demo", "photos", "ffpp"):
        p = PROFILES[name]
        for views in (1, 2):
            rows.append((f"training images, profile {name} ({p.size} px, width {p.width}, {p.schedule.precision}), "
                         f"{views} view(s)", training(p.size, p.width, p.schedule.precision, views)))
    reference = rows[0][1]
    for text, value in rows:
        print(f"{value:10.1f} /s   {value / reference:7.3f} x HQ   {text}")


if __name__ == "__main__":
    main()
