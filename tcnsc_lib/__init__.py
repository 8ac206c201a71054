"""A reproducible companion to TCNSC (Chen, Xu, Wang; Symmetry 2022, 14, 2691).

From a picture to a verdict, in the order in which to read. A room, or a module, imports only what
stands above it:

    files, pool, machine   whole files and where numbers come from; many jobs at once; the device
    ahead        small jobs in order, done a little before they are needed
    checked      reading what was stored: one schema a file, one sentence a failure
    paper        what the paper prints, leaves open and contradicts
    codecs       RAW HQ MQ LQ WEBP and H.264: image -> image
    faces        where crops come from: a FaceSet of photographs or of FaceForensics++
    synthetic    the demo's people, rendered: a FaceForensics++ in miniature
    detectors    f, g, c and equations 1 to 4 in `tcnsc`; the other systems, a file each
    evaluation   accuracy, AUC, EER and their intervals
    training     one loop for every detector; a run, its name and its folder
    profiles     whose faces, how large, how long: one word
    evidence     what was measured: predictions of every test crop, small and exact
    experiments  every run behind every table and figure, by name
    analysis     Figures 1 and 3 to 6: crops and detectors in, DataFrames out
    results      tables, claims and plots, all computed from the evidence
    report       README and other pages, and whether regenerated numbers are the committed ones
    cli          the `tcnsc` command

A student of the method reads `detectors.tcnsc` and `training.loop`. Who brings faces of another
kind reads `faces.source`, who brings a detector `detectors.registry`; either is a new file and a
line. Who doubts a number reads `evaluation`, then `results`.
"""
import os

# Threads of small operations sleep while they wait for one another, instead of using a core up.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class CompanionError(Exception):
    """Bad input or a missing piece, told in one sentence: what, where, and what to do about it."""
