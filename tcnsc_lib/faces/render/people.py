"""Who a made-up person is, and how they move: seeded parameters without any pixels.

Lengths are in head units: 1 is half the height of the head (crown to chin), x points right,
y down and z towards the viewer, with the origin in the middle of the head.  Colours are linear
RGB in 0..1 (the square of the display value).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RGB = tuple[float, float, float]

_SKIN = [(250, 216, 196), (240, 200, 172), (224, 178, 142), (198, 146, 108), (164, 112, 78),
         (128, 84, 58), (96, 64, 48)]
_HAIR = [(28, 22, 20), (46, 32, 24), (72, 50, 36), (104, 74, 52), (146, 110, 76), (194, 162, 116),
         (136, 72, 44), (150, 148, 146), (196, 192, 186)]
_HAIR_LIGHT = [.10, .15, .18, .14, .12, .12, .09, .06, .04]
_HAIR_DARK = [.60, .26, .04, 0., 0., 0., 0., .07, .03]
_IRIS = [(74, 48, 30), (104, 70, 40), (110, 118, 70), (88, 128, 104), (92, 132, 168), (122, 138, 150)]


@dataclass(frozen=True)
class Pose:
    """One instant of a talking head.

    yaw (positive turns the face to the right of the picture), pitch (positive looks up) and roll
    (positive is clockwise) in radians, within 0.35, 0.2, 0.15; dx, dy: offset of the head centre as a
    fraction of the frame; scale around 1; mouth (opening) and blink in 0..1; gaze in -1..1.
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


@dataclass(frozen=True)
class Person:
    """Everything that identifies a person, with clothes, background and light (see `person`)."""

    seed: int
    skin: RGB
    age: float
    width: float
    jaw: float
    cheek: float
    depth: float
    eye_x: float
    eye_y: float
    eye_w: float
    eye_h: float
    eye_tilt: float
    iris: RGB
    lash: float
    brow_y: float
    brow_h: float
    brow_arch: float
    brow_tilt: float
    brow_dark: float
    nose_y: float
    nose_w: float
    nose_h: float
    mouth_y: float
    mouth_w: float
    lip_up: float
    lip_low: float
    smile: float
    lip: RGB
    hair: RGB
    style: str
    hairline: float
    part: float
    volume: float
    beard: float
    beard_full: bool
    freckles: int
    blush: float
    glasses: str
    glasses_rgb: RGB
    cloth: RGB
    cloth_alt: RGB
    collar: str
    pattern: str
    neck: float
    back: tuple[RGB, RGB, RGB]
    light: tuple[float, float, float]
    key: float
    warmth: float


def _rgb(values: object) -> RGB:
    """Linear triple of an sRGB-like 0..255 triple (gamma 2)."""
    r, g, b = np.clip(np.asarray(values, float) / 255, 0.02, 1) ** 2
    return (float(r), float(g), float(b))


def _any_rgb(rng: np.random.Generator, low: float, high: float, saturation: float) -> RGB:
    """A random colour whose grey value lies in low..high (0..255)."""
    grey = rng.uniform(low, high)
    hue = rng.uniform(0, 2 * np.pi) + np.array([0, 2.1, 4.2])
    return _rgb(grey * (1 + saturation * np.cos(hue)))


def _colours(rng: np.random.Generator, tone: float, age: float, woman: bool) -> dict[str, object]:
    """Skin, lips, hair, iris, clothes and background colours for a skin tone in 0..1."""
    at = tone * (len(_SKIN) - 1)
    base = np.array([np.interp(at, range(len(_SKIN)), [c[k] for c in _SKIN]) for k in range(3)])
    skin = base * (1 + rng.normal(0, .03) + rng.normal(0, .012, 3))
    weights = np.array(_HAIR_DARK if tone > .5 else _HAIR_LIGHT) + 1e-9
    weights[-2:] *= 6 * age ** 2
    hair = np.array(_HAIR[rng.choice(len(_HAIR), p=weights / weights.sum())])
    lip = skin * rng.uniform([.86, .60, .62], [.96, .70, .72])
    if woman and rng.random() < .5:
        lip = .45 * lip + .55 * np.array([rng.uniform(150, 200), rng.uniform(30, 80), rng.uniform(50, 90)])
    iris = _IRIS[rng.choice(2) if tone > .45 else rng.choice(len(_IRIS))]
    return dict(skin=_rgb(skin), lip=_rgb(lip), hair=_rgb(hair * rng.uniform(.85, 1.15)), iris=_rgb(iris),
                cloth=_any_rgb(rng, 30, 175, rng.uniform(.03, .38)), cloth_alt=_any_rgb(rng, 60, 205, .13),
                glasses_rgb=_any_rgb(rng, 20, 70, .4),
                back=tuple(_any_rgb(rng, 60, 200, rng.uniform(.02, .16)) for _ in range(3)))


def person(seed: int) -> Person:
    """Draw a person from `seed`; the same seed gives the same person."""
    rng = np.random.default_rng([seed, 101])
    u = rng.uniform
    woman, age, tone = bool(rng.random() < .5), float(u() ** 1.3), float(u())
    styles = ["side", "fringe", "long", "long", "long", "curly", "bun", "bob", "bob", "beanie"] if woman else \
        ["bald", "crop", "crop", "side", "side", "curly", "back", "fringe", "beanie"]
    style = str(rng.choice(styles))
    side = float(rng.choice([-1, 1]))
    shape = dict(
        width=u(.655, .715) - .02 * woman, jaw=u(-.05, .17) - .07 * woman, cheek=u(-.02, .06),
        depth=u(.82, .95), neck=u(.45, .50) - .10 * woman,
        eye_x=u(.275, .315), eye_y=u(-.01, .05), eye_w=u(.135, .165), eye_h=u(.062, .086) + .006 * woman,
        eye_tilt=u(-.06, .16), lash=u(.4, .6) + .5 * woman,
        brow_y=u(.165, .215), brow_h=u(.022, .04) - .008 * woman,
        brow_arch=u(.01, .06), brow_tilt=u(-.12, .1), brow_dark=u(.55, .95), nose_y=u(.33, .41),
        nose_w=u(.105, .15) - .01 * woman, nose_h=u(.19, .28) - .02 * woman, mouth_y=u(.585, .645),
        mouth_w=u(.215, .28), lip_up=u(.035, .065) + .008 * woman, lip_low=u(.055, .09) + .01 * woman,
        smile=u(.0, .06))
    hairline = dict(bald=-.62, crop=u(-.68, -.56), side=u(-.66, -.52), fringe=u(-.40, -.34), long=u(-.66, -.54),
                    curly=u(-.60, -.5), back=u(-.70, -.58), bob=u(-.52, -.36), bun=u(-.68, -.56),
                    beanie=u(-.5, -.38))[style]
    volume = dict(bald=.0, crop=.035, side=.09, fringe=.10, long=.10, curly=.2, back=.08, bob=.13,
                  bun=.06, beanie=.1)[style]
    beard = 0.0 if woman or u() < .4 else u(.25, 1)
    light = np.array([side * u(.3, .9), -u(.2, .6), 1.0])
    return Person(
        seed=seed, age=age, style=style, hairline=hairline, part=side * u(.1, .4), volume=volume * u(.8, 1.3),
        beard=beard, beard_full=bool(beard > .7), freckles=int(u(20, 90)) if tone < .35 and u() < .4 else 0,
        blush=u(.1, .5), glasses=str(rng.choice(["", "", "", "round", "square"])),
        collar=str(rng.choice(["crew", "vee", "shirt", "turtle"])),
        pattern=str(rng.choice(["plain", "plain", "stripes", "knit"])),
        light=tuple(float(v) for v in light / np.linalg.norm(light)), key=u(.85, 1.15), warmth=u(-.06, .08),
        **shape, **_colours(rng, tone, age, woman))


def motion(seed: int, frames: int) -> list[Pose]:
    """`frames` consecutive poses (25 per second) of a talking head: slow head, quick mouth, blinks."""
    rng = np.random.default_rng([seed, 202])
    time = np.arange(frames)

    def drift(amplitude: float, period: float) -> np.ndarray:
        waves = [np.sin(2 * np.pi * (time / (period * rng.uniform(.6, 1.6)) + rng.random())) for _ in range(3)]
        return amplitude * np.mean(waves, axis=0) * rng.uniform(.6, 1.4)

    yaw = np.clip(rng.uniform(-.12, .12) + drift(.18, 70), -.35, .35)
    pitch = np.clip(rng.uniform(-.06, .06) + drift(.09, 60), -.2, .2)
    roll = np.clip(rng.uniform(-.03, .03) + drift(.07, 80), -.15, .15)
    dx, dy, scale = drift(.02, 75), drift(.015, 65), 1 + drift(.03, 110)
    phrase = np.clip(.6 + drift(1.0, 45), 0, 1)
    mouth = phrase * np.clip(.45 + drift(.7, 8) + drift(.4, 4.5), 0, 1)
    blink = np.zeros(frames)
    start = rng.uniform(0, 60)
    while start < frames + 4:
        blink = np.maximum(blink, np.clip(1.35 - np.abs(time - start) / 2.2, 0, 1))
        start += rng.uniform(35, 100)
    gaze_x, gaze_y = np.clip(drift(.9, 50) - 1.5 * yaw, -1, 1), np.clip(drift(.5, 60), -1, 1)
    columns = np.stack([yaw, pitch, roll, dx, dy, scale, mouth, blink, gaze_x, gaze_y], axis=1).tolist()
    return [Pose(*row[:8], gaze=(row[8], row[9])) for row in columns]
