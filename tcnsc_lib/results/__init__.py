"""From evidence to what a reader sees; nothing here trains, renders or looks for a face.

    tables   the paper's three tables from predictions, and what several seeds say
    trained  which detectors of Table 3 are trained to the end, and why the others are marked
    claims   the paper's sentences as numbers with intervals: hold here, don't, can't tell
    plots    stored tables -> pictures
    derive   writes every table that follows from the evidence
"""
