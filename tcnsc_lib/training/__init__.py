"""Training: a run's name, its batches, the loop, and the folder that a run lives in.

    identity      what a run is called, from what determines it
    batches       from a FaceSet to what a detector sees in one step
    loop          one training loop for every detector (section 4.1)
    weights       tensors on disk, with a checksum
    stored        config, environment and log on disk, each with its schema
    checkpoint    what a run that was cut short goes on from
    folder        the files of a run, and where they come from
    ranges        what the settings of a profile may be
    run           a Plan -> a Run: loaded, resumed or trained
    pace          how fast a training would go here, from a few steps
    predictions   what a run says of the test crops, kept in its folder
"""
