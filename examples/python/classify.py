#!/usr/bin/env python3
"""Asks a mae_server what is in pictures: classify.py HOST:PORT MODEL FILE..."""
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
# One channel serves a whole program and all its threads.
with grpc.insecure_channel(address) as channel:
    request = inference_pb2.ClassifyRequest(
        model=model,  # NAME, NAME@alias or NAME/versions/N
        images=images,
        top_k=3)
    try:
        # The server does not run what can no longer be in time.
        answer = inference_pb2_grpc.InferenceServiceStub(channel).Classify(request, timeout=30)
    except grpc.RpcError as error:
        # RESOURCE_EXHAUSTED and UNAVAILABLE are worth another try later; the rest says what to change.
        sys.exit(f"{error.code().name}: {error.details()}")
    print(answer.model_version)
    for file, classification in zip(files, answer.classifications):
        print(file, *(f"{score.label or score.index} {score.probability:.4f}" for score in classification.scores))
