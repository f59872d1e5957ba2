"""Trains by PyTorch for a while and prints one line; tools/bench-training starts it.

Images lie in memory as bytes and are gathered and normalised a batch at a time by the training process: at this size faster than
a DataLoader with workers.
"""
import argparse
import collections
import contextlib
import time

import timm.layers
import torch

import data
import mae
import models
import process_memory
import result_line

WARM_UP_STEPS = 2


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", choices=models.MODELS, required=True)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--plain-attention", action="store_true", help="matrix products and softmax instead of PyTorch's fused attention")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--steps", type=int, default=0)
    return parser.parse_args()


def batches(images, model):
    mean = torch.tensor(model.mean).view(1, 3, 1, 1) * 255
    scale = 1 / (torch.tensor(model.std).view(1, 3, 1, 1) * 255)
    while True:
        for ids in torch.randperm(len(images)).split(model.batch):
            if len(ids) == model.batch:
                yield (images[ids].float() - mean) * scale


def make_optimizer(model, network):
    decayed = [p for p in network.parameters() if model.decays_all or p.ndim > 1]
    others = [p for p in network.parameters() if not (model.decays_all or p.ndim > 1)]
    groups = [{"params": decayed, "weight_decay": model.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=model.learning_rate, betas=(0.9, 0.95), fused=True)


class Phases:
    """Seconds by phase."""

    def __init__(self):
        self.seconds = collections.defaultdict(float)

    @contextlib.contextmanager
    def __call__(self, name):
        begin = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - begin


def step(source, network, optimizer, bf16, phases):
    with phases("data"):
        images = next(source)
    with phases("forward"), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = network(images)
    with phases("backward"):
        loss.backward()
    with phases("optimizer"):
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def main():
    asked = parse()
    model = models.MODELS[asked.model]
    timm.layers.set_fused_attn(not asked.plain_attention)
    torch.manual_seed(0)
    network = mae.MaskedAutoencoder(model)
    optimizer = make_optimizer(model, network)
    source = batches(data.read(asked.data), model)
    trained = torch.compile(network) if asked.compile else network
    for _ in range(WARM_UP_STEPS):
        step(source, trained, optimizer, asked.bf16, Phases())
    phases, steps, begin = Phases(), 0, time.perf_counter()
    while time.perf_counter() - begin < asked.seconds or steps < asked.steps:
        step(source, trained, optimizer, asked.bf16, phases)
        steps += 1
    seconds = time.perf_counter() - begin
    milliseconds = {name: 1e3 * spent / steps for name, spent in phases.seconds.items()}
    result_line.write(steps * model.batch / seconds, steps, milliseconds, process_memory.peak_mib())


main()
