#!/usr/bin/env python3
"""Lets a masked autoencoder paint a picture's hidden part: reconstruct.py HOST:PORT MODEL FILE PANEL.png

The panel shows the original, what the model was shown, what it made of it, and that with the shown patches pasted in."""
import pathlib
import sys

import grpc
from mae.v1 import inference_pb2, inference_pb2_grpc

if len(sys.argv) != 5:
    sys.exit(__doc__)
address, model, file, panel = sys.argv[1:]
try:
    image = inference_pb2.Image(encoded=pathlib.Path(file).read_bytes())
except OSError as error:
    sys.exit(str(error))
with grpc.insecure_channel(address) as channel:
    request = inference_pb2.ReconstructRequest(
        model=model,
        images=[image],
        # The same seed hides the same patches again.
        random=inference_pb2.RandomMask(mask_ratio=0.75, seed=1),
        pictures=True)
    try:
        answer = inference_pb2_grpc.InferenceServiceStub(channel).Reconstruct(request, timeout=30)
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
    reconstruction = answer.reconstructions[0]
    pathlib.Path(panel).write_bytes(reconstruction.panel_png)
    print(f"{answer.model_version}: {sum(reconstruction.hidden)} of {len(reconstruction.hidden)} patches hidden, "
          f"loss {reconstruction.loss:.4f}, wrote {panel}")
