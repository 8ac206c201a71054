"""The step of `tcnsc` that asks a trained run about your own pictures and videos."""
from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.asking import answers, contact, given
from tcnsc_lib.asking.given import Found, Looked
from tcnsc_lib.asking.judge import Judge, judge_of
from tcnsc_lib.cli.warned import FIRST
from tcnsc_lib.faces.detect import FaceFinder
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.machine import device, threads


def predict(arguments) -> int:
    """p(fake) of every face in pictures, folders and videos from a trained run, and what both are.

    Returns 0 if at least one face was judged, else 1.
    """
    _check_outputs(arguments)
    judge = judge_of(arguments.run)
    files, left = given.files_in(arguments.path)
    for name, sentence in judge.about.items():
        print(f"{name}: {sentence}")
    _tell_left(left)
    session = Session(judge, arguments.frames, alone=len(files) == 1)
    try:
        for file in tqdm(files, "faces", disable=len(files) == 1):
            session.ask(file)
    finally:
        _write(session, arguments)
    if len(files) > 1:
        print(f"{session.judged} faces in {len(files) - len(session.failed)} of {len(files)} files")
    return 0 if session.judged else 1


def _check_outputs(arguments) -> None:
    """Before anything is looked at: can the answers be written?"""
    if arguments.out:
        answers.check_free(arguments.out, answers.KINDS)
    if arguments.sheet:
        answers.check_free(arguments.sheet, (".png",))


def _tell_left(left: Sequence[Path]) -> None:
    """What of the folders isn't read, on standard error."""
    if left:
        names = ", ".join(shown(path) for path in left[:FIRST])
        more = ", ..." if len(left) > FIRST else ""
        print(f"tcnsc: {len(left)} files not read, neither pictures nor videos: {names}{more}",
              file=sys.stderr)


class Session:
    """What was asked so far. alone: the only file's failure is the command's."""

    def __init__(self, judge: Judge, frames: int, alone: bool) -> None:
        self.judge = judge
        self.frames = frames
        self.alone = alone
        self.finder = FaceFinder(device())
        self.faces: list[pd.DataFrame] = []
        self.people: list[pd.DataFrame] = []
        self.failed: dict[Path, str] = {}
        self.first: list[Found] = []
        self.judged = 0

    def ask(self, file: Path) -> None:
        """Look for faces in a file, ask the run, print and remember what it says."""
        try:
            looked = given.look(file, self.finder, self.judge.cut, self.frames)
        except CompanionError as error:
            if self.alone:
                raise
            self.failed[file] = shown(error)
            tqdm.write(f"tcnsc: {shown(error)}", file=sys.stderr)
            return
        with threads(1):
            odds = self.judge.log_odds([one.crop for one in looked.faces])
        faces = answers.answers(looked.faces, odds)
        people = answers.people(looked.faces, odds)
        self.faces.append(faces)
        if len(people):
            self.people.append(people)
        self.first += looked.faces[: contact.MOST - len(self.first)]
        self.judged += len(faces)
        tqdm.write("\n".join(_lines(looked, file, faces, people)), file=sys.stdout)


def _lines(looked: Looked, file: Path, faces: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    """What is printed of a file."""
    lines = [f"{shown(file)}: {looked.what}"]
    how_many = faces.face.max()
    for row in faces.itertuples():
        frame = "" if pd.isna(row.frame) else f"frame {row.frame}, "
        place = f"at x {row.x0:.0f} to {row.x1:.0f}, y {row.y0:.0f} to {row.y1:.0f} px"
        lines.append(f"  {frame}face {row.face} of {how_many}, {place}: p(fake) {_told(row)}")
    for row in people.itertuples():
        lines.append(f"  person {row.face}, by {row.frames} frames together: p(fake) {_told(row)}")
    return lines


def _told(row) -> str:
    return ", ".join(f"{name} {getattr(row, name):.3f}" for name in paper.CODECS)


def _write(session: Session, arguments) -> None:
    """What was asked so far, into the files that were named."""
    if not session.judged:
        return
    if arguments.out:
        people = pd.concat(session.people) if session.people else pd.DataFrame()
        faces = pd.concat(session.faces)
        about = session.judge.about
        answers.write(arguments.out, faces, people, session.failed, about)
        print(f"answers -> {os.path.relpath(arguments.out)}")
    if arguments.sheet:
        figure = contact.sheet(session.first, session.judge, session.judged)
        contact.write_sheet(arguments.sheet, figure)
        print(f"contact sheet -> {os.path.relpath(arguments.sheet)}")
