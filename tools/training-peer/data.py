"""A data set of random images in the binary format of CIFAR-10: makes it (arguments: folder, images), or reads it."""
import os
import pathlib
import sys

FILES = [f"data_batch_{i}.bin" for i in range(1, 6)]
IMAGE_BYTES = 3 * 32 * 32


def make(folder, images):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    for name, records in [(name, images // len(FILES)) for name in FILES] + [("test_batch.bin", 64)]:
        records = (bytes([i % 10]) + os.urandom(IMAGE_BYTES) for i in range(records))
        (folder / name).write_bytes(b"".join(records))


def read(folder):
    """The training images, uint8 [N, 3, 32, 32]."""
    import torch

    raw = b"".join((pathlib.Path(folder) / name).read_bytes() for name in FILES)
    records = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(-1, 1 + IMAGE_BYTES)
    return records[:, 1:].reshape(-1, 3, 32, 32).contiguous()


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
