#!/usr/bin/env python3
"""Asks a mae_server what is in pictures by NVIDIA Triton's own client: classify.py HOST:PORT MODEL FILE...

MODEL is NAME, NAME@ALIAS or NAME/versions/N."""
import pathlib
import sys

import numpy
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

if len(sys.argv) < 4:
    sys.exit(__doc__)
address, model, *files = sys.argv[1:]
try:
    pictures = [pathlib.Path(file).read_bytes() for file in files]
except OSError as error:
    sys.exit(str(error))
with triton.InferenceServerClient(address) as client:
    encoded = numpy.array(pictures, dtype=object)
    images = triton.InferInput("images", [len(files)], "BYTES")
    images.set_data_from_numpy(encoded)
    try:
        answer = client.infer(model, [images], parameters={"top_k": 3}, client_timeout=30, outputs=[
            triton.InferRequestedOutput(name) for name in ("top_labels", "top_indices", "probabilities")])
    except InferenceServerException as error:
        sys.exit(f"{error.status()}: {error.message()}")
    probabilities = answer.as_numpy("probabilities")
    for i, (labels, indices) in enumerate(zip(answer.as_numpy("top_labels"), answer.as_numpy("top_indices"))):
        print(files[i], *(f"{label.decode() or index} {probabilities[i, index]:.4f}" for label, index in zip(labels, indices)))
