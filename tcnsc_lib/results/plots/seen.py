"""What is seen on each picture, in one sentence, for whoever can't see it.

A page gives it as a picture's alternative text, an SVG as its title. It describes and measures
nothing: numbers are in the tables, and would grow old here.
"""
from __future__ import annotations

SEEN = {
    "figure1": "Two rows of four rendered faces, fake above real, from RAW on the left to LQ on "
               "the right; towards the right skin turns smooth and square blocks appear.",
    "figure2": "A diagram: a face X and its compressed twin pass through one shared encoder f; "
               "from there one path leads over a classifier to a loss, two over a projection head "
               "g to a second loss, and both losses are added.",
    "figure3": "Nine scatter plots, a row a model and a column a quality; real and fake faces form "
               "two clouds that grow into one another from RAW to LQ.",
    "figure4": "Rendered faces under coloured heat maps, fake and real in turn, for two models "
               "side by side at four qualities; a white line surrounds what counts most.",
    "figure5": "Left, bars that hang down from 1 and are longest at LQ, with the paper's hollow "
               "marks at MQ and LQ; right, eight falling lines, real below fake, for four ways to "
               "compute SSIM.",
    "figure6": "Six panels of falling spectra, fake above real; the curves of all codecs agree at "
               "low frequencies, and those of JPEG drop below RAW at high ones, LQ furthest.",
    "table1": "Five panels, four training pairs and the classifier alone, each with five marks and "
              "their intervals from RAW to WEBP; filled marks are ours, hollow ones the paper's.",
    "table2": "A panel a model, each with five marks and their intervals from RAW to WEBP; filled "
              "marks are ours, hollow ones the paper's, which three models have.",
    "table2_lq": "Models in rows: dots with intervals are accuracy at LQ, diamonds AUC, rings the "
                 "paper's.",
    "table3": "A panel a detector, each with five marks and their intervals from RAW to WEBP; "
              "filled marks are ours, hollow ones the paper's, and grey panels are of detectors "
              "that aren't trained to the end.",
    "table3_lq": "A row a detector, the highest AUC on top: a dot with an interval for accuracy at "
                 "LQ, a diamond for AUC, a ring for the paper's number; grey rows stand below.",
    "collapse": "Six panels of lines over the steps of a training, one line a model; those of dual "
                "and model A fall by orders of magnitude in the space of z, the others hardly.",
    "study_gains": "Six ways to train in rows: dots and diamonds with intervals, accuracy and AUC "
                   "gained on model B at LQ; the paper's ring lies far right.",
    "study": "A long list of trainings in groups, each with a filled and a hollow dot and their "
             "intervals on an axis of points gained on model B at LQ.",
    "channels": "Left, two humps, RAW and LQ, with the running mean below that of RAW; right, "
                "three lines over the layers, model B's above the two others.",
    "quality": "Accuracy on the left and AUC on the right over JPEG quality, one line with a pale "
               "band a detector; all rise with quality, accuracy from further below.",
    "quality_chains": "Two coloured grids of numbers, accuracy and AUC, a row a chain of codecs "
                      "and a column a detector; whole rows are dark, most of them social networks.",
    "calibration": "Reliability diagrams, a row a detector, a column for RAW, MQ and LQ: near the "
                   "diagonal on RAW, below it at LQ; hollow marks, corrected with the codec known, "
                   "are back on it.",
    "training_curves": "Left, two falling losses on logarithmic axes, Loss_sim far below Loss_cro; "
                       "right, validation accuracy over the iterations.",
    "validation": "Two panels, model B and dual, with a line a training over the iterations; solid "
                  "lines for RAW lie above dotted ones for LQ and flatten before the last quarter.",
}
"""Name of a picture -> what is seen on it."""
