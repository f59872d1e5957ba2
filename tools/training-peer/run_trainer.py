"""Trains by mae_trainer for a while and prints one line; tools/bench-training starts it. Needs no package.

The job folder is made here, mae_trainer started on it, its lines read as it prints them, and it is killed once it has been
watched long enough: what comes at the end of an epoch is not measured. The phases are those of its --profile.
"""
import argparse
import collections
import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

import models
import process_memory
import result_line

WARM_UP_STEPS = 2  # also how many steps lie between two of mae_trainer's lines
PROFILED_STEPS = 5
# What the phases of lib/train count as.
PHASES = {"data_wait": "data", "forward": "forward", "backward": "backward", "sum_gradients": "backward", "clip": "optimizer",
          "optimizer": "optimizer"}
STEP_LINE = re.compile(r"step (\d+) of \d+, loss ")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainer", required=True, help="the binary")
    parser.add_argument("--data", required=True)
    parser.add_argument("--scratch", required=True, help="a folder for the job, made and removed")
    parser.add_argument("--model", choices=models.MODELS, required=True)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--batch", type=int, help="in the place of the model's own")
    parser.add_argument("--depth", type=int, help="blocks of the encoder, likewise")
    parser.add_argument("--patch", type=int, default=models.PATCH)
    parser.add_argument("--processes", type=int, default=1, help="ranks; of several nothing is profiled")
    parser.add_argument("--threads", type=int, default=0, help="of all processes together; 0: every core")
    return parser.parse_args()


def model_of(asked):
    model = models.MODELS[asked.model]
    width, depth, heads = model.encoder
    return dataclasses.replace(model, encoder=(width, asked.depth or depth, heads), batch=asked.batch or model.batch)


def encoder_spec(model, patch):
    width, depth, heads = model.encoder
    return {"preset": model.name, "image_height": models.IMAGE, "image_width": models.IMAGE, "channels": models.CHANNELS,
            "patch_size": patch, "embed_dim": width, "depth": depth, "num_heads": heads, "mlp_ratio": 4, "qkv_bias": True,
            "layer_norm_eps": 1e-6, "position_embedding": "POSITION_EMBEDDING_SINCOS",
            "decoder": dict(zip(("embed_dim", "depth", "num_heads"), model.decoder))}


def job_spec(model, asked):
    """A JobSpec with nothing but the epochs of training: no pictures, no TensorBoard, no copy of the initial weights to go back to."""
    return {"pretrain": {"model": encoder_spec(model, asked.patch), "mask_ratio": models.MASK_RATIO, "norm_pix_loss": model.norm_pix_loss},
            "data": {"dataset": "random", "batch_size": model.batch, "drop_last": True, "mean": model.mean, "std": model.std},
            "optimizer": {"learning_rate": model.learning_rate, "beta1": 0.9, "beta2": 0.95, "weight_decay": model.weight_decay,
                          "weight_decay_scope": "WEIGHT_DECAY_SCOPE_ALL" if model.decays_all else "WEIGHT_DECAY_SCOPE_MATRICES"},
            "schedule": {"epochs": 1000},
            "precision": "PRECISION_BF16" if asked.bf16 else "PRECISION_FP32",
            "checkpoint": {"every_epochs": 1000},
            "safety": {"rollback_limit": 0},
            "resources": {"device": "cpu", "processes": asked.processes, "threads": asked.threads},
            "logging": {"every_steps": WARM_UP_STEPS, "pictures": 0, "tensorboard": False, "histogram_every_epochs": 0}}


def make_job(folder, model, asked):
    folder.mkdir(parents=True)
    spec = {"spec": job_spec(model, asked), "dataset_format": "cifar10", "dataset_path": asked.data, "from_weights": "",
            "recipe": "bench-training"}
    (folder / "spec.json").write_text(json.dumps(spec, indent=2))


def watch(trainer, asked, whole):
    """(steps, seconds, peak MiB) after the warm-up, until both --seconds and --steps are reached and `whole` says so."""
    begin, said = None, []
    for line in trainer.stdout:
        now = time.perf_counter()
        said.append(line)
        found = STEP_LINE.search(line)
        if not found or int(found[1]) < WARM_UP_STEPS:
            continue
        if begin is None:
            first, begin = int(found[1]), now
            continue
        steps = int(found[1]) - first
        if now - begin >= asked.seconds and steps >= asked.steps and whole():
            return steps, now - begin, process_memory.peak_mib(trainer.pid)
    sys.exit("mae_trainer ended by itself:\n" + "".join(said[-20:]))


def phases_of(trace):
    """Milliseconds a step: of threads side by side the mean."""
    events = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "X"]
    steps = sum(event["name"] == "step" for event in events)
    threads = {name: {event["tid"] for event in events if event["name"] == name} for name in PHASES}
    milliseconds = collections.defaultdict(float)
    for event in events:
        if event["name"] in PHASES:
            milliseconds[PHASES[event["name"]]] += event["dur"] / 1e3 / steps / len(threads[event["name"]])
    return milliseconds


def main():
    asked = parse()
    model = model_of(asked)
    folder = pathlib.Path(asked.scratch)
    make_job(folder, model, asked)
    trace = folder / "trace.json"
    profiled = min(asked.steps or PROFILED_STEPS, PROFILED_STEPS) if asked.processes == 1 else 0
    command = ["setpriv", "--pdeathsig", "KILL", asked.trainer, "--job-dir", str(folder)]
    command += ["--profile", str(profiled)] if profiled else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as trainer:
        try:
            steps, seconds, peak = watch(trainer, asked, lambda: not profiled or trace.exists())
        finally:
            trainer.kill()
    result_line.write(steps * model.batch / seconds, steps, phases_of(trace) if profiled else {}, peak)
    shutil.rmtree(folder)


main()
