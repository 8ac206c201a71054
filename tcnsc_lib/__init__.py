"""A reproducible companion to TCNSC (Chen, Xu, Wang; Symmetry 2022, 14, 2691).

Read the modules in this order; imports only ever point upwards in this list:

    paper        what the paper prints, leaves open and contradicts
    codecs       RAW HQ MQ LQ WEBP and H.264: image -> image
    faces        where crops come from: a FaceSet from the demo, from photographs, from FaceForensics++
    detectors    f, g, c and equations 1-4
    evaluation   accuracy, AUC, EER and intervals
    training     one loop for every detector
    experiments  the profiles, and every run behind every table and figure, by name
    figures      numbers in, files out, with provenance
    verdict      are the regenerated numbers the committed ones?
    cli          the `tcnsc` command

`files` (atomic writes, provenance) serves them all.
"""


class CompanionError(Exception):
    """Bad input or a missing piece, told in one sentence: what, where, and what to do about it."""
