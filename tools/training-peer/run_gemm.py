"""The rate of bf16 matrix products, by PyTorch (oneDNN) on all cores: the best of three sizes. Prints one line."""
import time

import torch

SECONDS_A_SIZE = 1.0


def gflops(size):
    a, b = (torch.randn(size, size).bfloat16() for _ in range(2))
    for _ in range(2):
        torch.matmul(a, b)
    products, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < SECONDS_A_SIZE:
        torch.matmul(a, b)
        products += 1
    return 2e-9 * size**3 * products / (time.perf_counter() - begin)


print(f"  GFLOP/s {max(gflops(size) for size in (1024, 1536, 2048)):.1f}", flush=True)
