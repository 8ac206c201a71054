"""Everything that follows from the evidence, made again: tables, claims, pictures, pages.

No data, no run and no training are needed. All is made in a copy of the profile's folder first, so
that a check writes nothing and a file that comes out the same isn't touched.
"""
from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib import pyplot
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.files import CHECKOUT, write_bytes
from tcnsc_lib.profiles import DEMO, PROFILES, SOURCES, Profile, named, profile
from tcnsc_lib.report import readme
from tcnsc_lib.results import derive
from tcnsc_lib.results.plots import pictures
from tcnsc_lib.results.plots.alike import same_drawing, same_picture

SAME = "the same"
CHANGED = "changed"
NEW = "new"
Step = tuple[Path, str]  # a file, and what happened to it: one of these words, or why it isn't made


def committed(p: Profile | None = None) -> dict[str, Evidence]:
    """This profile; without one, every profile that has evidence in its folder."""
    if p is not None:
        return {p.name: Evidence(p)}
    folder = Evidence(DEMO).folder.parent
    others = sorted(path.name for path in folder.glob("*"))
    every = [named(name) for name in dict.fromkeys([*PROFILES, *others])]
    found = {p.name: Evidence(p) for p in every if p is not None}
    found = {name: e for name, e in found.items() if e.measured.is_dir()}
    if not found:
        raise CompanionError(f"No profile has evidence in {folder}; `tcnsc table 1` makes some.")
    return found


def everything(evidences: Mapping[str, Evidence], keep: bool = True) -> Iterator[Step]:
    """Make all that follows from these profiles' evidence; each file as it is done.

    keep: False writes nothing. The pages are made where these are the checkout's own figures.
    """
    with TemporaryDirectory() as folder:
        fresh = {}
        for name, e in evidences.items():
            if not e.measured.is_dir():
                raise CompanionError(f"Profile {name} has no evidence in {e.folder}; `tcnsc table "
                                     f"1 --profile {name}` makes some.")
            fresh[name] = Evidence(e.p, _copied(e.folder, Path(folder) / name))
            yield from _tables(fresh[name], e, keep)
            yield from _pictures(fresh[name], e, keep)
        ours = (CHECKOUT / "figures").resolve()
        if all(e.folder.resolve().parent == ours for e in evidences.values()):
            yield from _pages(fresh, keep)
        else:
            for page in readme.PAGES:
                yield page, f"left as it is, for these figures aren't those in {ours}"


def _copied(folder: Path, copy: Path) -> Path:
    """A copy of a profile's folder. Raises CompanionError for pipes and links to nothing in it."""
    unfinished = shutil.ignore_patterns("*.part")
    try:
        return Path(shutil.copytree(folder, copy, ignore=unfinished))
    except shutil.Error as error:
        file, _, reason = error.args[0][0]
        raise CompanionError(f"{file} can't be copied ({reason}); remove it.") from error


def _tables(fresh: Evidence, e: Evidence, keep: bool) -> Iterator[Step]:
    for name in derive.DERIVED:
        try:
            what = dict(derive.write(fresh, [name]))[name]
        except CompanionError as error:
            raise CompanionError(str(error).replace(str(fresh.folder), str(e.folder))) from error
        made = fresh.folder / f"{name}.csv"
        if made.exists() and not derive.lacking(name, fresh):
            yield _put(made.read_bytes(), e.folder / made.name, keep)
        else:
            yield e.folder / made.name, what


def _pictures(fresh: Evidence, e: Evidence, keep: bool) -> Iterator[Step]:
    for name, picture in pictures.PICTURES.items():
        path = e.folder / f"{name}.png"
        if picture.shows_crops and SOURCES[e.p.source].private:
            yield path, "not drawn: it would show somebody; its notebook shows it on the spot"
            continue
        try:
            figure = pictures.draw(name, fresh, keep=False)
        except CompanionError as error:
            reason = str(error).replace(str(fresh.folder), str(e.folder))
            yield path, f"not drawn: {reason}"
            continue
        content = pictures.png(figure, name, fresh)
        drawing = pictures.svg(figure, name, fresh)
        pyplot.close(figure)
        same = same_picture(path, content) and _note(path) == _note(io.BytesIO(content))
        # pixel for pixel it may differ: another machine smooths otherwise
        yield (path, SAME) if same else _put(content, path, keep)
        if drawing is not None:
            yield _drawing(drawing, path.with_suffix(".svg"), same, keep)


def _drawing(content: bytes, path: Path, same_png: bool, keep: bool) -> Step:
    """Write an SVG if that changes it; its bytes, and whether its PNG is the same."""
    if len(content) > pictures.LARGEST:
        if path.exists():
            if keep:
                path.unlink()
            return path, CHANGED
        return path, f"not written: {len(content) / 1000:.0f} kB, its PNG says the same in less"
    if same_drawing(path, content, same_png):
        return path, SAME
    return _put(content, path, keep)


def _note(file: Path | io.BytesIO) -> str:
    """What a picture says of how its numbers were made."""
    with Image.open(file) as image:
        return image.text.get("Description", "")


def _pages(fresh: Mapping[str, Evidence], keep: bool) -> Iterator[Step]:
    """The generated pages, from the profiles just made and the committed ones that weren't."""
    shown = {name: fresh.get(name, Evidence(profile(name))) for name in readme.SHOWN}
    for page, text in readme.render(shown).items():
        yield _put(text.encode(), page, keep)


def _put(content: bytes, path: Path, keep: bool) -> Step:
    """Write a file if that changes it."""
    there = path.exists()
    if path.is_file() and path.read_bytes() == content:
        return path, SAME
    if keep:
        write_bytes(path, content)
    return path, CHANGED if there else NEW
