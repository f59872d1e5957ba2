"""The model as Triton's Python backend runs it."""
import json
import sys

import numpy
import torch
import triton_python_backend_utils as backend


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config["parameters"].items()}
        torch.set_num_threads(int(parameters["threads"]))
        sys.path.insert(0, parameters["code"])
        import vision_transformer
        self.model = vision_transformer.load(parameters["folder"])

    @torch.inference_mode()
    def execute(self, requests):
        pixels = [backend.get_input_tensor_by_name(request, "pixels").as_numpy() for request in requests]
        logits = self.model(torch.from_numpy(numpy.concatenate(pixels))).numpy()
        rows = numpy.split(logits, numpy.cumsum([len(each) for each in pixels])[:-1])
        return [backend.InferenceResponse([backend.Tensor("logits", numpy.ascontiguousarray(row))]) for row in rows]
