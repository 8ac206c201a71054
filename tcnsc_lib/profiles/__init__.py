"""Profiles: source, sizes and schedule, chosen by one word; and the faces that belong to it.

    TCNSC_PROFILE   demo (default), photos, photos-224, pictures, pictures-cut, ffpp, ffpp-official,
                    ffpp-c23, rehearsal
    TCNSC_METHOD    Deepfakes (default), Face2Face, ...: whose fakes; several with commas between
    TCNSC_SOURCE    where photographs, labelled pictures or FaceForensics++ lie, if not in
                    data/<photos|pictures|ffpp>
    TCNSC_HOME      the folder that holds data/, runs/ and figures/; default: the checkout
    TCNSC_FIGURES   where tables and figures go, if not in figures/

In a folder, ~ is the home folder; a relative one counts from where the command, `make` or Jupyter
was started, in a notebook too. A variable that is empty counts as not set.
"""
from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.layout import methods_in
from tcnsc_lib.faces.source import Source
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.machine import folder_named_in
from tcnsc_lib.profiles.definition import SOURCES, Profile
from tcnsc_lib.training.schedule import Schedule

__all__ = ["SOURCES", "Profile"]

DEMO = Profile(
    name="demo",
    source="demo",
    size=96,
    frames=6,
    split="official",
    width=8,
    pretrained=False,
    decisive_seeds=10,
    folder="demo",
    schedule=Schedule(
        iterations=320, learning_rate=3e-3, final_lr_share=0.02, precision="float32", validate=40
    ),
)
PHOTOS = Profile(
    name="photos",
    source="photos",
    size=96,
    width=32,
    pretrained=False,
    schedule=Schedule(iterations=600, learning_rate=2e-3, final_lr_share=0.02, validate=50),
)
PHOTOS_224 = Profile(name="photos-224", source="photos", pretrained=False)
PICTURES = replace(PHOTOS, name="pictures", source="pictures")
PICTURES_CUT = replace(PICTURES, name="pictures-cut", found="cut")
FFPP = Profile(name="ffpp", source="ffpp")
FFPP_OFFICIAL = Profile(name="ffpp-official", source="ffpp", split="official")
FFPP_C23 = Profile(name="ffpp-c23", source="ffpp", raw_quality="c23")

REHEARSAL = replace(
    FFPP,
    name="rehearsal",
    folder="rehearsal",
    size=64,
    frames=4,
    width=8,
    pretrained=False,
    seeds=1,
    decisive_seeds=1,
    schedule=replace(
        FFPP.schedule, iterations=120, learning_rate=3e-3, final_lr_share=0.02, validate=40
    ),
)
"""Profile ffpp with few frames, small crops and short trainings, of videos that are rendered."""

EVERY = (
    DEMO,
    PHOTOS,
    PHOTOS_224,
    PICTURES,
    PICTURES_CUT,
    FFPP,
    FFPP_OFFICIAL,
    FFPP_C23,
    REHEARSAL,
)
PROFILES = {p.name: p for p in EVERY}


def profile(name: str | None = None, method: str | None = None) -> Profile:
    """The profile of that name; without one, that of the variable TCNSC_PROFILE, else demo.

    method: whose fakes it has, see `of_methods`; without a name, by default that of TCNSC_METHOD.
    """
    if not name:
        name = os.environ.get("TCNSC_PROFILE") or DEMO.name
        method = method or os.environ.get("TCNSC_METHOD")
    found = named(name)
    if found is None:
        raise CompanionError(f"There is no profile {name!r}; choose one of {', '.join(PROFILES)}.")
    return of_methods(found, method) if method else found


def named(name: str) -> Profile | None:
    """A profile by its name, "ffpp-Face2Face" (`of_methods`) too; None where there is none."""
    if name in PROFILES:
        return PROFILES[name]
    for base in PROFILES.values():
        words = name.removeprefix(f"{base.name}-").split("-")
        if set(words) <= set(SOURCES[base.source].methods):
            found = of_methods(base, ",".join(words))
            return found if found.name == name else None
    return None


def of_methods(p: Profile, text: str) -> Profile:
    """The profile with the fakes of other methods, "Face2Face", or several, "Deepfakes,Face2Face".

    It has them in its name, "ffpp-Deepfakes-Face2Face", so its faces, runs and figures go to
    folders of their own. Raises CompanionError where there is no choice, or no such method.
    """
    if not SOURCES[p.source].methods:
        raise CompanionError(
            f"Profile {p.name} has no methods to choose from, and {text} was asked for; leave out "
            "--method and TCNSC_METHOD, or choose a profile of FaceForensics++."
        )
    methods = methods_in(text)
    chosen = ",".join(methods)
    if chosen == p.method:
        return p
    if p.name not in PROFILES:
        raise CompanionError(f"Profile {p.name} is of {p.method}, not of {chosen}; name one alone.")
    if len(methods) > p.frames:
        raise CompanionError(
            f"{len(methods)} methods can't take turns at {p.frames} frames a video; choose fewer."
        )
    return replace(p, name="-".join([p.name, *methods]), method=chosen)


def source(p: Profile) -> Source:
    """Where its faces come from. CompanionError where there is no such folder."""
    said = os.environ.get("TCNSC_SOURCE")
    folder = source_folder(p)
    if p.folder == REHEARSAL.folder and not folder.is_dir():
        raise CompanionError(f"There is no folder {folder}; `tcnsc rehearse` makes it.")
    if said and not p.folder and not folder.is_dir():
        raise CompanionError(
            f"TCNSC_SOURCE={said} means {folder}, and there is no such folder; name the one that "
            "holds the pictures or videos."
        )
    return SOURCES[p.source](folder, faces_folder(p), p.face_settings)


def faces(p: Profile, quality: str | None = None) -> FaceSet:
    """The profile's crops at a video quality, "raw", "c23" or "c40"; without one, that of its RAW.

    They are made, or completed, if they aren't there. Raises CompanionError where the source isn't
    there or lacks something.
    """
    return source(p).faces(quality)


def home() -> Path:
    """The folder that holds data/, runs/ and figures/."""
    return folder_named_in("TCNSC_HOME") or CHECKOUT


def source_folder(p: Profile) -> Path:
    """Where this profile's videos or pictures lie."""
    elsewhere = folder_named_in("TCNSC_SOURCE")
    if elsewhere and not p.folder:
        return elsewhere
    return home() / "data" / (p.folder or p.source)


def faces_folder(p: Profile) -> Path:
    """Where this profile's crops go."""
    return home() / "data" / "faces" / p.name


def runs_folder(p: Profile) -> Path:
    """Where this profile's runs go."""
    return home() / "runs" / p.name


def figures_folder(p: Profile) -> Path:
    """Where this profile's evidence, tables and pictures go."""
    return (folder_named_in("TCNSC_FIGURES") or home() / "figures") / p.name
