"""A reproducible companion to TCNSC (Chen, Xu, Wang; Symmetry 2022, 14, 2691).

Read the modules in this order; imports only ever point upwards in this list:

    paper        what the paper prints, leaves open and contradicts
    codecs       RAW HQ MQ LQ WEBP and H.264: image -> image
    faces        where crops come from: a FaceSet from the demo, from photographs, from FaceForensics++
    detectors    f, g, c and equations 1-4; the other eight systems
    evaluation   accuracy, AUC, EER and intervals
    batches      from a FaceSet to what a detector sees in one step
    training     one loop for every detector
    profiles     whose faces, how large, how long: one word
    experiments  every run behind every table and figure, by name
    analysis     the numbers behind Figures 1 and 3 to 6
    tables       the paper's tables
    claims       the paper's sentences, as numbers with intervals
    drawing      numbers -> pictures, in one look
    figures      files of both, with provenance
    overview     each item of the paper and its verdict on one line
    pages, site  executed notebooks as a small HTML site
    verdict      are the regenerated numbers the committed ones?
    cli          the `tcnsc` command

`files` (atomic writes, provenance) serves them all.
"""


class CompanionError(Exception):
    """Bad input or a missing piece, told in one sentence: what, where, and what to do about it."""
