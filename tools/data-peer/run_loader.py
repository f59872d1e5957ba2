"""PyTorch's side of tools/bench-data: a DataLoader over the pictures, with torchvision's ImageFolder, or the samples of tar shards read at
their places; prints images/s of the epochs after the first, which starts the workers."""
import argparse
import io
import pathlib
import tarfile
import time

import torch
from PIL import Image
from torchvision import datasets, transforms


class TarShards(torch.utils.data.Dataset):
    """The images of all shards, in any order: like ours a list of places, made once."""

    def __init__(self, folder, transform):
        self.transform, self.places, self.open = transform, [], {}
        for path in sorted(pathlib.Path(folder).glob("train*.tar")):
            with tarfile.open(path) as shard:
                members = [member for member in shard if member.isfile()]
                labels = {m.name[:-4]: int(shard.extractfile(m).read()) for m in members if m.name.endswith(".cls")}
            self.places += [(path, m.offset_data, m.size, labels[m.name[:-4]]) for m in members if m.name.endswith(".jpg")]

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        path, offset, size, label = self.places[index]
        if path not in self.open:
            self.open[path] = path.open("rb", buffering=0)
        self.open[path].seek(offset)
        return self.transform(Image.open(io.BytesIO(self.open[path].read(size))).convert("RGB")), label


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--format", choices=("folder", "tar"), required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    return parser.parse_args()


def main():
    asked = parse()
    transform = transforms.Compose([
        transforms.RandomResizedCrop(asked.size, interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.RandomHorizontalFlip(), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.25] * 3)])
    data = (datasets.ImageFolder(f"{asked.data}/folder/train", transform) if asked.format == "folder"
            else TarShards(f"{asked.data}/tar", transform))
    loader = torch.utils.data.DataLoader(data, asked.batch, shuffle=True, num_workers=asked.workers, persistent_workers=True)
    images = sum(len(labels) for _, labels in loader) * asked.epochs
    begin = time.perf_counter()
    for _ in range(asked.epochs):
        for _ in loader:
            pass
    print(f"  images/s {images / (time.perf_counter() - begin):.1f}", flush=True)


main()
