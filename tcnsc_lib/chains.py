"""Chains: what a picture meets on its way to a detector, one step after the other.

The paper tests four JPEG qualities and one WEBP. `CHAINS` has every JPEG quality, codecs that no
detector here was trained on, and what happens to pictures that are passed on: compressed twice, on
a grid that was moved, scaled, and sent through social networks.

What networks do is taken from where it was measured; a chain's `source` says where, and what is
assumed. A network scales a whole picture, and crops are what we have: so a crop is scaled by the
factor that a picture of `PICTURE` pixels gets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image, features

from tcnsc_lib import CompanionError, codecs
from tcnsc_lib.codecs import Codec, codec

Step = Callable[[np.ndarray], np.ndarray]

PICTURE = 4032  # pixels of the longer side of a phone's 12 megapixels; assumed
QUALITIES = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


@dataclass(frozen=True)
class Shifted:
    """A codec whose grid of blocks is moved: the picture lies `by` pixels further right and down.

    uint8 (H, W, 3) -> the same. So it is where somebody cut a picture before it was compressed.
    """

    codec: Codec
    by: int

    def __call__(self, image: np.ndarray) -> np.ndarray:
        larger = np.pad(image, [(self.by, 0), (self.by, 0), (0, 0)], mode="edge")
        return self.codec(larger)[self.by :, self.by :]


@dataclass(frozen=True)
class Scaled:
    """Both sides times a factor, bicubic: uint8 (H, W, 3) -> uint8 (H', W', 3)."""

    factor: float

    def __call__(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        return _resized(image, max(1, round(height * self.factor)),
                        max(1, round(width * self.factor)))


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    picture = Image.fromarray(image)
    return np.array(picture.resize((width, height), Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class Chain:
    """Named steps in a row: `chain(image) -> image`, both uint8 (H, W, 3) RGB of one size.

    What comes out of the last step in another size is brought back, bicubic, as a detector's
    crops are. group: one of GROUPS. quality: of one JPEG at 4:2:0, in 1..100; else None. source:
    where the numbers were measured, and which are assumed; "" where there is nothing to say.
    """

    name: str
    group: str
    steps: tuple[Step, ...] = ()
    quality: int | None = None
    source: str = ""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        out = image.copy()
        for step in self.steps:
            out = step(out)
        height, width = image.shape[:2]
        return out if out.shape == image.shape else _resized(out, height, width)

    @property
    def recipe(self) -> dict:
        """All that its pictures follow from, for JSON."""
        steps = [{"step": type(step).__name__, **asdict(step)} for step in self.steps]
        return {"name": self.name, "steps": steps}


def jpeg(quality: int) -> Codec:
    """JPEG as in the paper's test sets, 4:2:0, at any quality in 1..100."""
    return Codec(f"JPEG {quality}", "jpeg", quality)


def passed_on(longest: int, quality: int, times: int = 1) -> tuple[Step, ...]:
    """The steps of a network that makes pictures at most `longest` pixels long, and then JPEGs.

    longest: pixels of the longer side. The picture has PICTURE pixels at first. After it has been
    made smaller once, only the JPEG is left to do.
    """
    steps: list[Step] = []
    side = PICTURE
    for _ in range(times):
        if side > longest:
            steps.append(Scaled(longest / side))
            side = longest
        steps.append(jpeg(quality))
    return tuple(steps)


def _one(name: str, group: str, kind: str, quality: int) -> Chain:
    """A chain of one codec."""
    return Chain(name, group, (Codec(name, kind, quality),))


# The groups, in the order in which tables and pictures have them.

PLAIN = "as it is"
JPEG = "JPEG, 4:2:0"
COLOUR = "JPEG, 4:4:4"
OTHERS = "other codecs"
TWICE = "JPEG twice"
MOVED = "JPEG, grid moved"
SCALED = "scaled"
NETWORKS = "networks"
GROUPS = (PLAIN, JPEG, COLOUR, OTHERS, TWICE, MOVED, SCALED, NETWORKS)

MEASURED = "Qu et al. 2024"  # IEEE Transactions on Information Forensics and Security
USUAL = f"quality: the most common one of {MEASURED}; 2048 px assumed"
LOWEST = f"quality: the lowest one of {MEASURED}; 2048 px assumed"
LARGE = f"quality: {MEASURED}, of large pictures; not scaled, assumed"
OURS = "quality and 1600 px assumed"

_ALL = (
    Chain("RAW", PLAIN),
    *(Chain(f"JPEG {q}", JPEG, (jpeg(q),), q) for q in QUALITIES),
    *(_one(f"JPEG {q}, 4:4:4", COLOUR, "jpeg 4:4:4", q) for q in (20, 50, 80)),
    *(_one(f"WebP {q}", OTHERS, "webp", q) for q in (20, 50, 80)),
    *(_one(f"AVIF {q}", OTHERS, "avif", q) for q in (20, 50)),
    *(_one(f"JPEG 2000, 1:{ratio}", OTHERS, "jpeg2000", ratio) for ratio in (40, 15)),
    *(Chain(f"H.264 {name.lower()}", OTHERS, (codec(name),)) for name in ("C40", "C23")),
    Chain("JPEG 50, then 80", TWICE, (jpeg(50), jpeg(80))),
    Chain("JPEG 80, then 50", TWICE, (jpeg(80), jpeg(50))),
    *(Chain(f"JPEG 20, moved {by} px", MOVED, (Shifted(jpeg(20), by),)) for by in (1, 4, 7)),
    Chain("to 3/4", SCALED, (Scaled(3 / 4),)),
    Chain("to 1/2", SCALED, (Scaled(1 / 2),)),
    Chain("Twitter, 85", NETWORKS, (jpeg(85),), source=LARGE),
    Chain("Facebook, 92", NETWORKS, passed_on(2048, 92), source=USUAL),
    Chain("Facebook, 71", NETWORKS, passed_on(2048, 71), source=LOWEST),
    Chain("Facebook, 71, three times", NETWORKS, passed_on(2048, 71, 3), source=LOWEST),
    Chain("messenger, 70", NETWORKS, passed_on(1600, 70), source=OURS),
    Chain("messenger, 70, three times", NETWORKS, passed_on(1600, 70, 3), source=OURS),
)
CHAINS = {chain.name: chain for chain in _ALL}

SEEN = ("RAW", "JPEG 20", "H.264 c23")
"""What some detector of notebook 9 was trained on; nobody saw any of the others."""


def chain(name: str) -> Chain:
    """The chain of that name, or a CompanionError that lists the names there are."""
    if name not in CHAINS:
        names = "; ".join(CHAINS)
        raise CompanionError(f"There is no chain {name!r}; choose one of: {names}.")
    return CHAINS[name]


def names_in(*groups: str) -> list[str]:
    """The chains of these groups, in their order."""
    return [each.name for each in _ALL if each.group in groups]


def unseen() -> list[str]:
    """The chains that no detector of notebook 9 was trained on."""
    return [name for name in CHAINS if name not in SEEN]


def versions() -> dict[str, str]:
    """The encoders behind the chains: those of `codecs`, and AVIF's and JPEG 2000's."""
    more = {"libavif": "avif", "OpenJPEG": "jpg_2000"}
    told = {name: features.version(known) or "absent" for name, known in more.items()}
    return codecs.versions() | told


def check_encoders() -> None:
    """Raise a CompanionError where this Pillow can't write AVIF or JPEG 2000."""
    lost = [name for name in ("avif", "jpg_2000") if not features.check(name)]
    if lost:
        raise CompanionError(
            f"This Pillow has no {' and no '.join(lost)}, which chains need; install Pillow from "
            "its wheels (`make install`)."
        )
