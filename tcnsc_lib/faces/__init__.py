"""Where crops come from.

store         FaceSet: crops on disk, a manifest, their parts, an array for each codec
builder       how it comes onto the disk, piece by piece
detect        MTCNN: frames -> boxes -> crops
video         read, write and audit videos
source        what a source of faces is
splits        who is in which part, and whether anybody is in two
clips         from videos to crops
forge         the swap: another person's inner face on a head
donors        whose face goes onto whose head
ffpp, photos  a file a source; the demo has a room of its own, `synthetic`
"""
