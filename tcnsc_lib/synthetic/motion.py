"""How a talking head moves: a pose for every frame, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pose:
    """One instant of a talking head.

    yaw (positive turns the face to the right of the picture), pitch (positive looks up) and roll
    (positive is clockwise) in radians, within 0.35, 0.2, 0.15; dx, dy: offset of the head centre as
    a fraction of the frame; scale around 1; mouth (opening) and blink in 0..1; gaze in -1..1.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    mouth: float = 0.0
    blink: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


def motion(seed: int, frames: int) -> list[Pose]:
    """`frames` consecutive poses (25 per second): slow head, quick mouth, blinks."""
    rng = np.random.default_rng([seed, 202])
    time = np.arange(frames)

    def drift(amplitude: float, period: float) -> np.ndarray:
        return _drift(rng, time, amplitude, period)

    yaw = np.clip(rng.uniform(-0.12, 0.12) + drift(0.18, 70), -0.35, 0.35)
    pitch = np.clip(rng.uniform(-0.06, 0.06) + drift(0.09, 60), -0.2, 0.2)
    roll = np.clip(rng.uniform(-0.03, 0.03) + drift(0.07, 80), -0.15, 0.15)
    dx = drift(0.02, 75)
    dy = drift(0.015, 65)
    scale = 1 + drift(0.03, 110)
    phrase = np.clip(0.6 + drift(1.0, 45), 0, 1)
    syllables = 0.45 + drift(0.7, 8) + drift(0.4, 4.5)
    mouth = phrase * np.clip(syllables, 0, 1)
    blink = _blinks(rng, time)
    gaze_x = np.clip(drift(0.9, 50) - 1.5 * yaw, -1, 1)
    gaze_y = np.clip(drift(0.5, 60), -1, 1)
    columns = [yaw, pitch, roll, dx, dy, scale, mouth, blink, gaze_x, gaze_y]
    rows = np.stack(columns, axis=1).tolist()
    return [Pose(*head, gaze=(across, down)) for *head, across, down in rows]


def _drift(
    rng: np.random.Generator, time: np.ndarray, amplitude: float, period: float
) -> np.ndarray:
    """A slow irregular wave about 0: the mean of three sines of about that period, in frames."""
    waves = []
    for _ in range(3):
        turns = time / (period * rng.uniform(0.6, 1.6)) + rng.random()
        waves.append(np.sin(2 * np.pi * turns))
    return amplitude * np.mean(waves, axis=0) * rng.uniform(0.6, 1.4)


def _blinks(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """How far the eyes are closed, 0..1: a blink every 35 to 100 frames."""
    blink = np.zeros(len(time))
    middle = rng.uniform(0, 60)
    while middle < len(time) + 4:
        closed = 1.35 - np.abs(time - middle) / 2.2
        blink = np.maximum(blink, np.clip(closed, 0, 1))
        middle += rng.uniform(35, 100)
    return blink
