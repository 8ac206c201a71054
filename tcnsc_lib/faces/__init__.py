"""Where crops come from.

What lies on disk:

    store         FaceSet: crops, a manifest, their parts, an array for each codec
    manifest      the tables beside the crops, and what they must hold
    lossless      one crop, read and checked
    cache         the arrays, used only where they are what was written
    budget        how much disk the arrays may take
    stream        the same pictures without arrays, compressed when they are needed
    builder       how a FaceSet comes onto the disk, piece by piece
    splits        who is in which part, and whether anybody is in two
    spelling      when two names are one person's

Faces in pictures and videos:

    opening       a photograph as a person would see it
    screen        a frame as a player would show it
    video         read, write and audit videos
    detect        MTCNN: frames -> faces -> crops
    follow        the faces of a video's frames, where these lie close
    near          MTCNN where a face should be
    region        the pixels of its pyramid there
    search        every face of a video, then the track of one
    tracks        whose face it is, from frame to frame
    forgery       where the masks say that the forgery is
    boxes         faces that were found, and whether they fit another copy
    cutter        what the frames of one video give

The swap:

    masks         a face's canonical square, and the soft mask of its inner part
    forge         another person's inner face on a head
    donors        whose face goes onto whose head

A file a source (the demo has a room of its own, `synthetic`):

    source        what a source of faces is
    trial         a few of its pictures searched and cut: how long all of them take
    footage       one video that is to be cut
    clips         crops of videos
    layout        how FaceForensics++ lies on disk
    copies        whether its copies are what they are filed as
    ffpp          FaceForensics++
    album         what a folder of photographs holds
    portraits     the face on each photograph
    photos        real and fake crops of photographs

Labelled pictures, a source with more to ask:

    imagefolder   which are real and which fake, in which part
    labels        labels.csv: whose they are
    looks         what is seen of them before any face is looked for
    formats       how their files were written
    duplicates    which show the same
    division      which belong together, and in which part they are
    leaks         what would make a detector look better than it is
    labelled_pictures  crops of them
    trial_pictures     a few of them searched and cut
"""
