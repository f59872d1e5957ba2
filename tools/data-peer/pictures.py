"""Makes the pictures of tools/bench-data: python pictures.py FOLDER COUNT. FOLDER/folder and FOLDER/tar hold the same JPEG files, as
an image folder and as tar shards. 500 x 375, the middle of ImageNet, of smooth noise and fine noise, some 60 kB each. Needs Pillow."""
import io
import pathlib
import sys
import tarfile

import numpy
from PIL import Image

HEIGHT, WIDTH, CLASSES, SHARDS = 375, 500, 10, 4


def jpeg(random):
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=numpy.uint8)).resize((WIDTH, HEIGHT), Image.BICUBIC)
    pixels = numpy.asarray(coarse, dtype=numpy.int16) + random.integers(-12, 13, (HEIGHT, WIDTH, 3))
    out = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(numpy.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def add(shard, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))


def main():
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    random = numpy.random.default_rng(0)
    (folder / "tar").mkdir(parents=True)
    for split, images in (("train", count), ("val", CLASSES)):
        for label in range(CLASSES):
            (folder / "folder" / split / f"c{label}").mkdir(parents=True)
        shards = [tarfile.open(folder / "tar" / f"{split}-{i}.tar", "w") for i in range(min(SHARDS, images))]
        for i in range(images):
            content, label = jpeg(random), i % CLASSES
            (folder / "folder" / split / f"c{label}" / f"{i:06}.jpg").write_bytes(content)
            add(shards[i % len(shards)], f"{i:06}.jpg", content)
            add(shards[i % len(shards)], f"{i:06}.cls", str(label).encode())
        for shard in shards:
            shard.close()


main()
