"""Runs the model in eager PyTorch without a server, and prints what it reached as tools/serving_load does."""
import argparse
import time

import torch

import vision_transformer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--warm-up", type=float, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    model = vision_transformer.load(arguments.folder)
    height, width = (model.config["encoder"][f"image_{side}"] for side in ("height", "width"))
    pixels = torch.randint(256, (arguments.batch, height, width, 3), dtype=torch.uint8)
    milliseconds = []
    begin = time.monotonic() + arguments.warm_up
    ended = 0
    with torch.inference_mode():
        while ended < begin + arguments.seconds:
            began = time.monotonic()
            model(pixels)
            ended = time.monotonic()
            if begin <= ended <= begin + arguments.seconds:
                milliseconds.append(1e3 * (ended - began))
    milliseconds.sort()
    p50, p95, p99 = (milliseconds[int(share * (len(milliseconds) - 1))] for share in (0.5, 0.95, 0.99))
    rate = arguments.batch * len(milliseconds) / arguments.seconds
    print(f"concurrency 1  images/s {rate:.1f}  p50 {p50:.2f} ms  p95 {p95:.2f} ms  p99 {p99:.2f} ms", flush=True)


main()
