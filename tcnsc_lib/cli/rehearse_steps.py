"""`tcnsc rehearse`: every step of profile ffpp, on videos that anyone can make."""
from __future__ import annotations

import os
import shlex
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from tcnsc_lib import CompanionError, profiles
from tcnsc_lib.cli import audit_steps
from tcnsc_lib.cli.plan_steps import lasting, size
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import DUAL, MODEL_B
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.machine import named_folder
from tcnsc_lib.profiles import Profile
from tcnsc_lib.results.tables import wide
from tcnsc_lib.synthetic.rehearsal import Scene, make_rehearsal, scene

HOME = "TCNSC_HOME"
OURS = {"data", "runs", "figures"}  # what a home holds
FOUND = 0.9  # of the frames, at least, must show a face
BOX = ["x0", "y0", "x1", "y1"]
WHOLE = 2 * 1000 * 300  # frames of FaceForensics++: real videos and one method's fakes, 300 of each

COMMANDS = {
    "plan": "what the tables will take, measured on a few frames and a few steps",
    "faces --quality raw": "faces are found in the raw videos, and cut",
    "faces --quality c23": "the same boxes cut the c23 copies",
    f'train "{DUAL}"': "TCNSC, trained on pairs of one crop without and with JPEG at low quality",
    f'train "{MODEL_B}"': "the classifier alone, which it is compared with",
    "table 1": "the other trainings of Table 1, all test sets, and the table",
}
"""What is typed after `tcnsc`, beside the profile, -> what it does."""

Parse = Callable[[list[str]], Namespace]


@dataclass
class Timed:
    """The steps as they go. count: of all. seconds: title -> wall clock."""

    count: int
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, title: str, does: str) -> Iterator[None]:
        """A line before a step, and how long it took after it."""
        number = len(self.seconds) + 1
        print(f"\n===== {number} of {self.count}: {title}\n      {does}", flush=True)
        start = time.perf_counter()
        yield
        self.seconds[title] = time.perf_counter() - start
        print(f"===== {self.seconds[title]:.1f} seconds", flush=True)


def rehearse(arguments) -> None:
    """Make the videos, then give each command that a real copy needs; tell what came of it."""
    wanted = scene(arguments.videos)
    if arguments.out is not None:
        _check_out(arguments.out)
    with named_folder(HOME, arguments.out):
        p = profiles.profile(profiles.REHEARSAL.name)
        print(f"a rehearsal of FaceForensics++ in {_short(profiles.home())}")
        steps = Timed(2 + len(COMMANDS))
        new = _is_new(p)
        _make(p, wanted, steps)
        _give_commands(p, arguments.parse, steps)
        _tell(p, wanted, steps, new)


def _check_out(out: Path) -> None:
    """Raise a CompanionError where a folder holds what no rehearsal writes; hidden files may be."""
    cure = "name a new folder, or an empty one, with --out"
    if out.exists() and not out.is_dir():
        raise CompanionError(f"{out} is a file, and a folder is needed; {cure}.")
    if not out.exists():
        return
    visible = [path.name for path in sorted(out.iterdir()) if not path.name.startswith(".")]
    others = [name for name in visible if name not in OURS]
    if others:
        raise CompanionError(f"{out} holds something else than a rehearsal ({others[0]}); {cure}.")


def _short(path: Path) -> str:
    """A path as one types it from here."""
    return os.path.relpath(path)


# ---------------------------------------------------------------- the steps


def _make(p: Profile, wanted: Scene, steps: Timed) -> None:
    """The videos, and their audit. CompanionError where it warns of anything."""
    root = profiles.source_folder(p)
    height, width = wanted.frame
    does = f"people in frames of {width} x {height} pixels are rendered, swapped and encoded"
    with steps.step("videos", does):
        made = make_rehearsal(root, wanted)
        print(f"{wanted.videos} videos, {made} of them new, in {_short(root)}")
    with steps.step(_typed(p, "audit"), "is the copy whole, and what it is filed as?"):
        warnings = audit_steps.audited(p)
    if warnings:
        raise CompanionError(
            f"The audit of {root} has {warnings} warnings (above), and a rehearsal should have "
            "none; delete that folder and begin anew."
        )


def _give_commands(p: Profile, parse: Parse, steps: Timed) -> None:
    """Each command as it would be typed."""
    for words, does in COMMANDS.items():
        with steps.step(_typed(p, words), does):
            whose = ["--profile", p.name, "--method", p.method]
            given = parse([*shlex.split(words), *whose])
            given.step(given)


def _typed(p: Profile, words: str) -> str:
    return f"tcnsc {words} --profile {p.name}"


# ---------------------------------------------------------------- what came of it


def _is_new(p: Profile) -> bool:
    """Whether no face has been looked for yet."""
    return not profiles.faces_folder(p).exists()


def _tell(p: Profile, wanted: Scene, steps: Timed, new: bool) -> None:
    """All of it in some lines. CompanionError where faces weren't found, or boxes differ."""
    raw, copy = (profiles.faces(p, quality) for quality in wanted.qualities)
    frames = wanted.videos * min(p.frames, wanted.length)
    share = len(raw) / frames
    _check_boxes(raw, copy)
    height, width = wanted.frame
    both = " and ".join(wanted.qualities)
    print("\n===== the rehearsal is done")
    print(f"videos  {wanted.videos} of {wanted.length} frames, {width} x {height} pixels, "
          f"at {both}: {size(_bytes(profiles.source_folder(p)))}")
    print(f"faces   in {len(raw)} of {frames} sampled frames ({100 * share:.1f} %); "
          f"as many crops of {p.size} px at {both}, cut by the same boxes")
    _tell_seconds(steps)
    table = Evidence(p).read("table1")
    print(f"\nTable 1, accuracy (%), n = {table.n[0]} crops of {table.people[0]} rendered people; "
          "it says that all works, and nothing of the paper")
    print(wide(table, "accuracy").round(1).to_string())
    _tell_places(p)
    _tell_real(frames, steps.seconds[_typed(p, "faces --quality raw")] if new else 0.0)
    if share < FOUND:
        raise CompanionError(
            f"A face was found in {100 * share:.1f} % of the frames of {profiles.source_folder(p)} "
            f"only, and {100 * FOUND:.0f} % were expected; look into {raw.root / 'missed.csv'}."
        )


def _check_boxes(raw: FaceSet, copy: FaceSet) -> None:
    """Raise a CompanionError where the crops of two qualities aren't of the same boxes."""
    keys = ["method", "video", "frame", *BOX]
    if not raw.manifest[keys].equals(copy.manifest[keys]):
        raise CompanionError(
            f"The crops in {raw.root} and {copy.root} aren't of the same faces; delete both and "
            "give the same command again."
        )


def _tell_seconds(steps: Timed) -> None:
    rows = pd.Series(steps.seconds).round(1).rename("seconds").to_frame()
    rows.loc["all"] = rows.sum()
    print(f"\n{rows.to_string()}")


def _tell_places(p: Profile) -> None:
    print()
    places = {
        "videos": profiles.source_folder(p),
        "crops": profiles.faces_folder(p),
        "runs": profiles.runs_folder(p),
        "tables": profiles.figures_folder(p),
    }
    for what, place in places.items():
        print(f"{what:<8}{_short(place)}")


def _tell_real(frames: int, seconds: float) -> None:
    """What the same takes with FaceForensics++. seconds: in which faces were found; 0: not now."""
    print(f"\nFaceForensics++ itself has {WHOLE:,} frames at profile ffpp, and here were {frames}.")
    if seconds:
        print(f"At this pace their faces are found in {lasting(seconds * WHOLE / frames)} on this "
              "machine.\nBut there frames lie closer, so faces are followed, which is faster.")
    print("Put it into data/ffpp (data/README.md), then give the commands above with --profile "
          "ffpp;\n`tcnsc plan --profile ffpp` says how many hours and gigabytes all of it takes.")


def _bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*.mp4"))
