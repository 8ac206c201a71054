"""Where crops come from: the FaceSet (`store`), MTCNN (`detect`), `video`, and the sources `demo`, `photos`, `ffpp`."""
