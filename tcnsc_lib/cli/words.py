"""The words of the `tcnsc` command, and which step each of them starts."""
from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path

from tcnsc_lib import experiments, profiles
from tcnsc_lib.asking import given
from tcnsc_lib.cli import (
    audit_steps,
    face_steps,
    picture_steps,
    plan_steps,
    published_steps,
    rehearse_steps,
    table_steps,
)
from tcnsc_lib.detectors.published import PUBLISHED
from tcnsc_lib.faces import layout
from tcnsc_lib.synthetic.rehearsal import Scene
from tcnsc_lib.training.stored import MOST_SEED

EPILOG = f"""the steps, in order:
  tcnsc demo                          render the miniature FaceForensics++ (no download)
  tcnsc faces --profile demo          find, crop and store the faces
  tcnsc rehearse                      all steps of profile ffpp, on videos that are rendered
  tcnsc audit --profile ffpp          check a copy of FaceForensics++: gaps, leaks, true quality
                                      (or --profile pictures: leaks and confounds of a folder)
  tcnsc plan --profile ffpp           how many crops, gigabytes and hours Tables 1 to 3 will take
  tcnsc train "(RAW, LQ)"             train one row of Table 1
  tcnsc table 1                       train what is missing, print and save Table 1; so for 2 and 3
  tcnsc study                         the trainings of notebook 8: other readings and repairs
  tcnsc report                        tables, claims, pictures and pages again, without training
  tcnsc predict face.jpg --run DIR    your own pictures and videos through a trained run

profiles (--profile or TCNSC_PROFILE): {", ".join(profiles.PROFILES)}
methods (--method or TCNSC_METHOD), of FaceForensics++: {", ".join(layout.METHODS)};
several with commas between, as Deepfakes,Face2Face
sources (TCNSC_SOURCE): where photographs, labelled pictures or FaceForensics++ lie; default
data/photos, data/pictures, data/ffpp (data/README.md)
Every step can be stopped with Ctrl-C; the same command goes on where it stopped."""


def parser() -> argparse.ArgumentParser:
    """What `tcnsc` understands; `step` of the parsed arguments is what to do."""
    whole = argparse.ArgumentParser("tcnsc", description="Reproduce TCNSC step by step.",
                                    epilog=EPILOG,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = whole.add_subparsers(required=True, metavar="step")
    _add_faces(steps)
    _add_rehearsal(steps, whole)
    _add_training(steps)
    _add_report(steps)
    _add_detectors(steps)
    return whole


def _step(steps, name: str, function: Callable, text: str) -> argparse.ArgumentParser:
    sub = steps.add_parser(name, help=text, description=text)
    sub.set_defaults(step=function)
    return sub


def _seed(text: str) -> int:
    """A seed as typed. Argparse makes a sentence of the error."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > MOST_SEED:
        raise argparse.ArgumentTypeError(
            f"{text} can't be a seed; give a whole number from 0 to {MOST_SEED}.")
    return int(text)


def _frames(text: str) -> int:
    """A number of frames as typed."""
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} can't be a number of frames; give 1 or more.")
    return int(text)


def _of_profile(steps, name: str, function: Callable, text: str) -> argparse.ArgumentParser:
    """A step that works at a profile."""
    sub = _step(steps, name, function, text)
    known = ", ".join(profiles.PROFILES)
    sub.add_argument("--profile", default=None, help=f"one of {known}")
    sub.add_argument("--method", default=os.environ.get("TCNSC_METHOD") or None,
                     help="whose fakes of FaceForensics++, or several with commas between")
    return sub


def _add_faces(steps) -> None:
    _step(steps, "demo", face_steps.demo,
          "Render the miniature FaceForensics++ into data/demo.")
    sub = _of_profile(steps, "faces", face_steps.faces,
                      "Find, crop and store the faces of a profile's source.")
    sub.add_argument("--quality", default=None, choices=layout.QUALITIES,
                     help="video quality the crops are cut from (default: what the profile's RAW "
                          "is)")
    _of_profile(steps, "audit", audit_steps.audit,
                "Check a profile's videos or labelled pictures: gaps, leaks, true quality.")
    _of_profile(steps, "plan", plan_steps.plan,
                "Say what Tables 1 to 3 will take: crops, disk, memory, hours. Makes nothing.")


def _add_rehearsal(steps, whole: argparse.ArgumentParser) -> None:
    sub = _step(steps, "rehearse", rehearse_steps.rehearse,
                "Go through every step of profile ffpp with videos that are rendered (minutes).")
    sub.add_argument("--videos", type=int, default=Scene().videos,
                     help="real ones and fakes (default: %(default)s)")
    sub.add_argument("--out", type=Path, default=None, metavar="FOLDER",
                     help="holds its data/, runs/ and figures/, as TCNSC_HOME does elsewhere")
    sub.set_defaults(parse=whole.parse_args)


def _add_training(steps) -> None:
    sub = _of_profile(steps, "train", table_steps.train,
                      "Train an experiment, or all: what is there is loaded, the rest goes on.")
    known = ", ".join(f'"{name}"' for name in experiments.EXPERIMENTS)
    sub.add_argument("experiment", help=f"all, or one of {known}")
    sub.add_argument("--seed", type=_seed, default=None, help="default: the profile's")
    sub.add_argument("--retrain", action="store_true",
                     help="train anew what other code than today's trained")
    sub = _of_profile(steps, "table", table_steps.table,
                      "Train what a table needs, print it beside the paper's, save it.")
    sub.add_argument("number", choices=["1", "2", "3"], help="a table of the paper")
    sub = _of_profile(steps, "study", table_steps.study,
                      "Train what notebook 8 compares: readings, repairs, references (long).")
    sub.add_argument("experiment", nargs="*", help="some of its rows; default: all")
    sub.add_argument("--stored", action="store_true",
                     help="train nothing: store what the runs say that are finished")


def _add_report(steps) -> None:
    sub = _of_profile(steps, "report", table_steps.report,
                      "Tables, claims, pictures and pages from the evidence, without training.")
    sub.add_argument("--check", action="store_true",
                     help="write nothing; exit status 1 if anything would change")
    sub = _step(steps, "verify", table_steps.verify,
                "Compare regenerated tables and figures with committed ones.")
    sub.add_argument("committed", type=Path)
    sub.add_argument("ours", type=Path)


def _add_detectors(steps) -> None:
    sub = _step(steps, "predict", picture_steps.predict,
                "Say how likely each face in pictures and videos is fake, after each codec.")
    sub.add_argument("path", type=Path, nargs="+", help="pictures, videos, folders of both")
    sub.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    sub.add_argument("--frames", type=_frames, default=given.FRAMES,
                     help="frames of a video that are looked at, evenly (default: %(default)s)")
    sub.add_argument("--out", type=Path, default=None, metavar="FILE",
                     help="write all answers to a .json or .csv")
    sub.add_argument("--sheet", type=Path, default=None, metavar="FILE",
                     help="draw the faces with heat maps into a .png")
    sub = _of_profile(steps, "published", published_steps.published,
                      "Try authors' own weights on a profile's test faces, or on a picture.")
    sub.add_argument("name", choices=PUBLISHED)
    sub.add_argument("weights", type=Path,
                     help="their file: .h5, .npz, .pt, .pth or .safetensors; no pickles")
    sub.add_argument("--image", type=Path, default=None,
                     help="a picture instead of the profile's faces")
    sub.add_argument("--whole", action="store_true",
                     help="with --image: the whole picture as its authors feed it, not the face")
