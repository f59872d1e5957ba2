#!/usr/bin/env python3
"""Writes the seeds of tests/fuzz/corpus: small whole inputs of each target, from which a fuzzer goes on.

    PYTHON tests/fuzz/make_corpus.py [FOLDER]

PYTHON has Pillow (the venv that tools/bench-training makes), PATH has protoc. Seeds are named seed-…; what else lies in
a corpus is an input that once was a finding, or one that tools/fuzz --merge kept because it reaches new code, and stays
as it is. The seeds are committed; run this again only to change them. parquet/seed-* were written by Arrow
(parquet::arrow::WriteTable of a struct<bytes, path> and an int64 column) and are not made here.
"""
import glob
import gzip
import io
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tarfile
import zipfile

from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
CORPUS = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "corpus"


def seed(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(content if isinstance(content, bytes) else content.encode())


def part(content):
    """As InputBytes::Part reads it."""
    return struct.pack("<H", len(content)) + content


# Messages.


def message(type_name, proto, text):
    deps = os.environ.get("MAE_DEPS_DIR", os.path.expanduser("~/.cache/mae-server"))
    google = [f"-I{path}" for path in glob.glob(f"{deps}/googleapis-protos-*")]
    command = ["protoc", f"--encode={type_name}", f"-I{PROJECT / 'proto'}", *google, proto]
    return subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout


def quoted(content):
    return '"' + "".join(f"\\{byte:03o}" for byte in content) + '"'


# Pictures.


def picture(mode="RGB", size=(12, 8)):
    image = Image.new(mode, size)
    values = random.Random(1)
    bands = len(image.getbands())
    pixels = [tuple(values.randrange(256) for _ in range(bands)) for _ in range(size[0] * size[1])]
    if mode == "1":
        pixels = [value[0] % 2 * 255 for value in pixels]
    elif bands == 1:
        pixels = [value[0] for value in pixels]
    image.putdata(pixels)
    return image


def encoded(image, file_format, **options):
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def pictures():
    files = {}
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = picture(mode) if mode != "I;16" else Image.frombytes("I;16", (3, 2), bytes(range(12)))
        files[f"{mode.replace(';', '')}.png"] = encoded(image, "PNG")
    for mode in ("L", "RGB", "CMYK"):
        files[f"{mode}.jpg"] = encoded(picture(mode), "JPEG", quality=60)
    files["progressive.jpg"] = encoded(picture(), "JPEG", progressive=True)
    files["turned.jpg"] = encoded(picture(), "JPEG", exif=exif(6))
    files["turned.png"] = encoded(picture(), "PNG", exif=exif(8))
    files["turned.webp"] = encoded(picture(), "WEBP", exif=exif(3))
    files["lossless.webp"] = encoded(picture("RGBA"), "WEBP", lossless=True)
    files["lossy.webp"] = encoded(picture("RGBA"), "WEBP", quality=50)
    files["plain.webp"] = encoded(picture(), "WEBP", quality=50)
    for mode in ("1", "L", "P", "RGB"):
        files[f"{mode}.bmp"] = encoded(picture(mode), "BMP")
    files["one.gif"] = encoded(picture("P"), "GIF")
    return files


def picture_seeds():
    for name, content in pictures().items():
        seed("image", name, content)
        seed("image_container", name, content)
    seed("image_container", "exif", exif(5))


# Weights.


def safetensors(tensors, metadata=None):
    header, data = {} if metadata is None else {"__metadata__": metadata}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + data


def weights_seeds():
    types = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
    every = {f"t.{name}": (name, [2, 1], bytes(2 * size)) for name, size in types.items()}
    seed("safetensors", "types", safetensors(every, {"format": "pt"}))
    seed("safetensors", "empty", safetensors({}))
    seed("safetensors", "shapes", safetensors({"none": ("F32", [0, 7], b""), "one": ("F32", [], bytes(4))}))
    seed("manifest", "two", json.dumps({"format": 1, "files": {
        "model.safetensors": {"bytes": 12, "sha256": "ab" * 32}, "state.json": {"bytes": 0, "sha256": ""}}}))
    for path in sorted((PROJECT / "tests/interop/reference").glob("*.pth")):
        content = path.read_bytes()
        if len(content) > 4096:
            continue
        seed("zip", path.name, content)
        if not zipfile.is_zipfile(path):
            continue
        with zipfile.ZipFile(path) as archive:
            files = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
        seed("pickle", path.name, files["data.pkl"])
        keys = sorted((name for name in files if name.startswith("data/")), key=lambda name: int(name[5:]))
        seed("pth", path.name, part(files["data.pkl"]) + b"".join(part(files[key]) for key in keys))
    for protocol in (2, 4):
        import pickle
        seed("pickle", f"plain-{protocol}", pickle.dumps(
            {"a": [1, -2, 2**40, 1.5], "b": (None, True, b"x", "y"), "c": {}, "d": ("s", ("t", 1), [])}, protocol))


def halves(shapes):
    values = random.Random(2)
    tensors = {}
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        tensors[name] = ("F16", shape, b"".join(struct.pack("<e", values.uniform(-0.5, 0.5)) for _ in range(count)))
    return safetensors(tensors)


def import_seeds():
    """Models of width 4 in the layouts that are imported."""
    block = {"attn.qkv": 12, "attn.proj": 4, "mlp.fc1": 4, "mlp.fc2": 4}
    timm = {"cls_token": [1, 1, 4], "pos_embed": [1, 5, 4], "patch_embed.proj.weight": [4, 1, 2, 2],
            "patch_embed.proj.bias": [4], "norm.weight": [4], "norm.bias": [4], "head.weight": [2, 4], "head.bias": [2]}
    for name, width in block.items():
        timm |= {f"blocks.0.{name}.weight": [width, 4], f"blocks.0.{name}.bias": [width]}
    for name in ("norm1", "norm2"):
        timm |= {f"blocks.0.{name}.weight": [4], f"blocks.0.{name}.bias": [4]}
    timm_config = json.dumps({"architecture": "vit", "model_args": {"num_heads": 2},
                              "pretrained_cfg": {"mean": [0.5], "std": [0.5], "label_names": ["cat", "dog"]}})
    seed("model_import", "timm", part(timm_config.encode()) + halves(timm))
    seed("model_import", "no-config", part(b"") + halves(timm))
    vit, names = "vit.", {"attention.attention.query": 4, "attention.attention.key": 4, "attention.attention.value": 4,
                          "attention.output.dense": 4, "intermediate.dense": 4, "output.dense": 4}
    classifier = {f"{vit}embeddings.cls_token": [1, 1, 4], f"{vit}embeddings.position_embeddings": [1, 5, 4],
                  f"{vit}embeddings.patch_embeddings.projection.weight": [4, 1, 2, 2],
                  f"{vit}embeddings.patch_embeddings.projection.bias": [4], f"{vit}layernorm.weight": [4],
                  f"{vit}layernorm.bias": [4], "classifier.weight": [2, 4], "classifier.bias": [2]}
    for name, width in names.items():
        classifier |= {f"{vit}encoder.layer.0.{name}.weight": [width, 4], f"{vit}encoder.layer.0.{name}.bias": [width]}
    for name in ("layernorm_before", "layernorm_after"):
        classifier |= {f"{vit}encoder.layer.0.{name}.weight": [4], f"{vit}encoder.layer.0.{name}.bias": [4]}
    config = json.dumps({"model_type": "vit", "num_attention_heads": 2, "image_size": 4, "num_channels": 1})
    seed("model_import", "transformers", part(config.encode()) + halves(classifier))


def config_seeds():
    encoder = {"channels": 3, "image_height": 8, "image_width": 12, "patch_size": 4, "embed_dim": 8, "depth": 1,
               "num_heads": 2, "mlp_ratio": 2.0, "qkv_bias": True, "layer_norm_eps": 1e-6,
               "position_embedding": "sincos"}
    ours = {"format": 1, "kind": "masked_autoencoder", "encoder": encoder,
            "decoder": {"embed_dim": 8, "depth": 1, "num_heads": 2}, "mask_ratio": 0.75, "norm_pix_loss": True,
            "mean": [0.5] * 3, "std": [0.25] * 3, "labels": []}
    classifier = {"format": 1, "kind": "vision_transformer", "encoder": encoder, "num_classes": 2,
                  "pooling": "token", "head": "batch_norm_linear", "mean": [0.5], "std": [0.25],
                  "labels": ["cat", "dög"]}
    card = {"job": "jobs/1", "recipe": "pretrain: {}", "dataset": "cifar10", "parent": "", "metrics": {"loss": 0.5},
            "parameters": 12, "sha256": "ab" * 32, "source": "", "license": "MIT"}
    for name, config in (("mae", ours), ("vit", classifier), ("card", card)):
        seed("model_json", name, json.dumps(config))
    images = json.dumps({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25], "do_normalize": True}).encode()
    theirs = json.dumps({"model_type": "vit_mae", "num_attention_heads": 2, "image_size": [8, 12],
                         "layer_norm_eps": 1e-12, "mask_ratio": 0.75, "norm_pix_loss": False, "hidden_act": "gelu",
                         "id2label": {"0": "cat", "1": "dog"}}).encode()
    timm = json.dumps({"architecture": "vit_tiny", "model_args": {"num_heads": 2, "img_size": 8},
                       "pretrained_cfg": {"mean": [0.5], "std": [0.5], "label_names": ["cat"]}}).encode()
    for name, config in (("transformers", theirs), ("timm", timm), ("ours", json.dumps(ours).encode())):
        seed("config_files", name, part(images) + config)


# Datasets.


def tar(members, **options):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
                continue
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    # One block of the end is enough, and keeps inputs short.
    return out.getvalue().rstrip(b"\0") + bytes(1024) if not members else trimmed(out.getvalue())


def trimmed(archive):
    end = len(archive.rstrip(b"\0"))
    return archive[:(end + 511) // 512 * 512] + bytes(1024)


def sparse_tar(real_size, blocks, content=b"data"):
    """GNU's sparse format 1.0: the map of blocks (offset, bytes) before the data."""
    numbers = [str(len(blocks))] + [str(number) for block in blocks for number in block]
    spread = "".join(f"{number}\n" for number in numbers).encode()
    body = spread + bytes(-len(spread) % 512) + content
    entry = tarfile.TarInfo("GNUSparseFile.0/train.bin")
    entry.size = len(body)
    entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "train.bin",
                         "GNU.sparse.realsize": str(real_size)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(entry, io.BytesIO(body))
    return trimmed(out.getvalue())


def tar_seeds():
    small = [("folder/a.txt", b"abc"), ("b", b"")]
    archives = {"ustar": tar(small, format=tarfile.USTAR_FORMAT), "gnu": tar(small, format=tarfile.GNU_FORMAT),
                "link": tar([("a", b"x"), ("l", "a")]),
                "gnu-long": tar([("n" * 120, b"x")], format=tarfile.GNU_FORMAT),
                "pax-long": tar([("n" * 120, b"x")], format=tarfile.PAX_FORMAT),
                "sparse": sparse_tar(4096, [(4092, 4)]),
                "sparse-beyond": sparse_tar(3074, [(1 << 40, 4)])}
    for name, archive in archives.items():
        seed("tar_archive", name, archive)
        seed("tar_index", name, archive)
    seed("tar_archive", "gzip", gzip.compress(archives["ustar"], mtime=0))
    png = encoded(picture("L", (2, 2)), "PNG")
    shard = tar([("0.png", png), ("0.cls", b"1"), ("d/1.b.JPG", png), ("d/1.cls.txt", b"0")])
    seed("tar_shards", "named", part(b"cat\ndog\n") + part(shard) + shard)
    seed("tar_shards", "numbered", part(b"") + part(shard) + shard)


def dataset_seeds():
    images = struct.pack(">IIII", 0x803, 2, 2, 3) + bytes(range(12))
    labels = struct.pack(">II", 0x801, 2) + bytes([0, 3])
    seed("idx", "plain", b"\0" + part(images) + labels)
    seed("idx", "gzip", b"\3" + part(gzip.compress(images, mtime=0)) + gzip.compress(labels, mtime=0))
    record = bytes([1, 7]) + bytes(3072)
    seed("cifar", "cifar100", b"\0" + part(record) + record)
    files = tar([("cifar-100-binary/train.bin", record), ("cifar-100-binary/test.bin", record)])
    seed("cifar", "cifar100-archive", b"\1" + gzip.compress(files, mtime=0))
    tens = [(f"x/data_batch_{i}.bin", bytes(3073)) for i in range(1, 6)] + [("x/test_batch.bin", bytes(3073))]
    seed("cifar", "cifar10-archive", b"\1" + gzip.compress(tar(tens), mtime=0))
    seed("cifar", "sparse-archive", b"\1" + sparse_tar(3074, [(1 << 40, 4)]))
    content = b"some text, some text" * 20
    seed("gz_file", "plain", content)
    seed("gz_file", "gzip", gzip.compress(content, mtime=0))
    seed("gz_file", "two-members", gzip.compress(content, mtime=0) + gzip.compress(b"more", mtime=0))
    seed("gz_file", "stored", gzip.compress(content, compresslevel=0, mtime=0))
    seed("gz_file", "cut", gzip.compress(content, mtime=0)[:-6])
    for number, path in enumerate(["train/cat/0.png", "a/../b", "/etc/passwd", "val.tar", "train-0.parquet",
                                   "test.TAR", ".hidden", "a//b", "ä/ö.png", "cifar10", "x\0y", "1/2/3/4/5/6/7/8/9"]):
        seed("dataset_path", str(number), path)


# Requests.


def request_seeds():
    png = encoded(picture(), "PNG")
    gray = encoded(picture("L", (2, 2)), "JPEG")
    infer = {
        "images": 'model_name: "mae" inputs { name: "images" datatype: "BYTES" shape: 1 } raw_input_contents: '
                  + quoted(struct.pack("<I", len(png)) + png),
        "typed": 'model_name: "models/mae@prod/embed" inputs { name: "images" datatype: "BYTES" shape: [1, 1] contents { '
                 f"bytes_contents: {quoted(gray)} }} }} outputs {{ name: \"embedding\" }}",
        "pixels": 'model_name: "vit" model_version: "2" inputs { name: "pixels" datatype: "UINT8" shape: [1, 1, 2, 3] } '
                  'raw_input_contents: "abcdef" outputs { name: "logits" parameters { key: "classification" '
                  "value { int64_param: 2 } } }",
        "values": 'inputs { name: "pixel_values" datatype: "FP16" shape: [1, 3, 8, 12] } raw_input_contents: '
                  + quoted(bytes(576)) + ' parameters { key: "top_k" value { string_param: "2" } }',
        "mask": 'model_name: "mae/versions/3" inputs { name: "images" datatype: "BYTES" shape: 1 } inputs { name: "mask" '
                'datatype: "BOOL" shape: 6 } raw_input_contents: '
                + quoted(struct.pack("<I", len(gray)) + gray) + ' raw_input_contents: "\\001\\000\\001\\001\\000\\001"',
        "options": 'model_name: "mae" parameters { key: "mask_ratio" value { string_param: "0.25,0.5" } } parameters { '
                   'key: "mask_kind" value { string_param: "block" } } parameters { key: "seed" value { uint64_param: 7 } } '
                   'parameters { key: "picture_scale" value { double_param: 2 } } parameters { key: "picture_format" '
                   'value { string_param: "webp" } } parameters { key: "pixel_statistics" value { string_param: "raw" } } '
                   'outputs { name: "panel" } outputs { name: "loss" }',
        "embed": 'parameters { key: "pool" value { string_param: "mean" } } parameters { key: "l2_normalize" value { '
                 'bool_param: true } } outputs { name: "attention" } outputs { name: "patch_embeddings" }',
    }
    for name, text in infer.items():
        seed("oip_request", name, message("inference.ModelInferRequest", "inference/grpc_service.proto", text))
    reconstruct = {
        "encoded": f'model: "models/mae" images {{ encoded: {quoted(png)} }} random {{ mask_ratio: 0.5 seed: 7 }} pictures: true',
        "bytes": 'images { raw { data_type: UINT8_HWC shape: [1, 2, 3] data: "abcdef" } } given { hidden: [true, false] } '
                 "picture_scale: 2 picture_format: PICTURE_FORMAT_WEBP",
        "floats": "images { raw { data_type: FLOAT32_CHW shape: [3, 1, 1] data: " + quoted(bytes(12)) + " } } grid {} "
                  "tensors: true exact_size: true",
        "block": "block { mask_ratios: [0.25, 0.5] seed: 1 }",
    }
    for name, text in reconstruct.items():
        seed("infer_request", name, message("mae.v1.ReconstructRequest", "mae/v1/inference.proto", text))
    seed("infer_request", "embed", message("mae.v1.EmbedRequest", "mae/v1/inference.proto",
                                           'model: "m" l2_normalize: true attention: true'))
    for number, name in enumerate(["models/cats/versions/3", "cats@prod\n", "mae/classify\n2", "models/mae@prod/embed\nprod",
                                   "weights.safetensors", "config.json", "../x", "datasets/cifar10", "a" * 63, "a.b_c-d",
                                   "cats/versions/99999999999999999999", "req-1:2.3_4"]):
        seed("names", str(number), name)
    seed("page", "empty", struct.pack("<i", 7))
    seed("page", "token", struct.pack("<i", 0) + b"YWZ0ZXI6MTc")
    seed("page", "other", struct.pack("<i", -1) + b"YWJj!")


def upload_seeds():
    def sent(*texts):
        return b"".join(part(message("mae.v1.UploadDatasetRequest", "mae/v1/dataset.proto", text)) for text in texts)

    options = 'options { dataset: "mine" source: "s" bytes: 48 }'
    images = struct.pack(">IIII", 0x803, 1, 2, 2) + b"abcd"
    labels = struct.pack(">II", 0x801, 1) + b"\0"
    files = [(f"{split}-{stem}", content) for split in ("train", "t10k")
             for stem, content in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels))]
    import hashlib
    parts = [f'file {{ path: "{name}" data: {quoted(content)} sha256: "{hashlib.sha256(content).hexdigest()}" }}'
             for name, content in files]
    end = f"end {{ files: 4 bytes: {sum(len(content) for _, content in files)} }}"
    seed("dataset_upload", "whole", sent(options, *parts, end))
    seed("dataset_upload", "out", sent(options, 'file { path: "../../x" data: "a" }', "end {}"))
    seed("dataset_upload", "pieces", sent(options, 'file { path: "train/a/0.png" data: "ab" }',
                                          'file { path: "train/a/0.png" offset: 2 data: "c" sha256: "00" }'))
    seed("dataset_upload", "restart", sent('options { dataset: "datasets/x" source: "s" restart: true }', parts[0], "end {}"))


def recipe_seeds():
    for path in sorted((PROJECT / "configs/recipes").glob("*.yaml")):
        lines = path.read_text().splitlines()
        seed("recipe_yaml", path.stem, "\n".join(line for line in lines if not line.startswith("#")) + "\n")
    seed("recipe_yaml", "set", "pretrain: {mask_ratio: 0.5, model: {preset: nano}}\ndata: {dataset: mine, mean: [0.1, 0.2, 0.3]}\n"
         "--set\ndata.batch_size=64\npretrain.model.depth=2\nschedule.epochs=\ndata.std=[1, 1e-3, 0.5]\nresources={processes: 2}\n")
    specs = {
        "pretrain": 'pretrain { model { preset: "nano" patch_size: 4 } mask_ratio: 0.5 norm_pix_loss: true } '
                    'data { dataset: "mine" batch_size: 10 workers: 1 } seed: 7',
        "finetune": 'finetune { from_model: "models/m@latest" pooling: POOLING_TOKEN drop_path: 0.1 } '
                    'data { dataset: "mine" mean: [0.5, 0.5, 0.5] std: [1, 1, 1] }',
        "linear_probe": 'linear_probe { from_model: "m" } data { dataset: "mine" }',
        "knn_probe": 'knn_probe { from_model: "m" neighbors: 5 temperature: 0.1 } data { dataset: "mine" }',
        "evaluate": 'evaluate { from_model: "m" split: EVALUATION_SPLIT_TRAIN } data { dataset: "mine" }',
    }
    for name, text in specs.items():
        seed("job_spec", name, message("mae.v1.JobSpec", "mae/v1/job.proto", text))
    events = {"state": {"state": "FAILED", "code": 13, "message": "x"}, "checkpoint": {"step": 1, "path": "p"},
              "metrics": {"step": 1, "total_steps": 2, "epoch": 1, "epochs": 2, "values": {"loss": 0.5, "a": "nan"}},
              "picture": {"epoch": 1, "caption": "c", "path": "p"}, "log": {"severity": "INFO", "text": "t"}}
    for kind, event in events.items():
        seed("job_event", kind, f"{kind}\n{json.dumps(event)}")
    for number, kind in enumerate(("random", "given", "block", "grid", "none")):
        head = bytes([3, 1, 2, number]) + struct.pack("<QB", 7, 0 if number % 2 else 1)
        seed("masks", kind, head + (struct.pack("<d", 0.5) if number % 2 == 0 else b"") + bytes([1, 0, 1, 1, 0, 1]))


def main():
    for old in CORPUS.glob("*/seed-*"):
        if old.parent.name != "parquet":
            old.unlink()
    for make in (picture_seeds, weights_seeds, import_seeds, config_seeds, tar_seeds, dataset_seeds, request_seeds, upload_seeds,
                 recipe_seeds):
        make()


main()
