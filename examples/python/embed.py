#!/usr/bin/env python3
"""Tells how alike pictures are to a model, by the cosine of their embeddings: embed.py HOST:PORT MODEL FILE..."""
import array
import pathlib
import sys

import grpc
from mae.v1 import inference_pb2, inference_pb2_grpc

if len(sys.argv) < 4:
    sys.exit(__doc__)
address, model, *files = sys.argv[1:]
try:
    images = [inference_pb2.Image(encoded=pathlib.Path(file).read_bytes()) for file in files]
except OSError as error:
    sys.exit(str(error))
with grpc.insecure_channel(address) as channel:
    request = inference_pb2.EmbedRequest(
        model=model,
        images=images,
        l2_normalize=True)
    try:
        answer = inference_pb2_grpc.InferenceServiceStub(channel).Embed(request, timeout=30)
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")

# Little-endian float32, an image after the other. With numpy: numpy.frombuffer(data, "<f4").reshape(shape).
count, width = answer.embeddings.shape
values = array.array("f", answer.embeddings.data)
rows = [values[i * width:(i + 1) * width] for i in range(count)]
print(f"{answer.model_version}: {count} embeddings of {width} values")
for file, row in zip(files, rows):
    print(file, *(f"{sum(a * b for a, b in zip(row, other)):.4f}" for other in rows))
