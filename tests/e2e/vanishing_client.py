"""Opens a stream of each protocol, asks more than is answered, says so, and stays until it is killed.

    vanishing_client.py HOST:PORT MODEL FILE     with the modules of examples/python/make-stubs"""
import itertools
import pathlib
import signal
import sys

import grpc
from inference import grpc_service_pb2, grpc_service_pb2_grpc
from mae.v1 import inference_pb2, inference_pb2_grpc

address, model, file = sys.argv[1:]
encoded = pathlib.Path(file).read_bytes()
channel = grpc.insecure_channel(address)

embed = inference_pb2.EmbedRequest(model=model, images=[inference_pb2.Image(encoded=encoded)])
mae = inference_pb2_grpc.InferenceServiceStub(channel).StreamEmbed(itertools.repeat(embed))

infer = grpc_service_pb2.ModelInferRequest(model_name=model)
images = infer.inputs.add(name="images", datatype="BYTES", shape=[1])
images.contents.bytes_contents.append(encoded)
oip = grpc_service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(itertools.repeat(infer))

answers = next(mae), next(oip)
assert not answers[1].error_message, answers[1].error_message
print("streaming", flush=True)
signal.pause()
