"""The demo's people, rendered frame by frame.

    palette   colours of skin, hair, eyes, clothes
    people    who a person is: seeded parameters
    motion    how a head moves: a pose for every frame
    shape     the head as an ellipsoid with a relief
    textures  maps: their plane, their noise, the background
    view      the camera: projection, light, compositing
    hair      where it grows, and the shell that it is
    skin      the face's map
    parts     eyes, mouth, ears, glasses
    clothes   neck, shoulders, clothes
    render    one frame of all that
    scale     how many people and frames there are, and how hard the fakes
    demo      a miniature FaceForensics++ of such people, and the source of its faces

Only `demo` knows of videos and of faces in them.
"""
