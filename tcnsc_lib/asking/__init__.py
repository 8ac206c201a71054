"""A trained run asked about your own pictures and videos.

    given    the faces in files: pictures, videos, folders of both
    judge    a run, what is known of it, and what it says of faces
    answers  what was said, as a table or JSON; of a video's people, too
    contact  a sheet of the faces with heat maps
"""
