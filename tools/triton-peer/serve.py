"""Starts the tritonserver of nvidia-pytriton on a model folder of tools/bench-serving, and is it from then on."""
import argparse
import importlib.util
import json
import os
import pathlib
import shutil
import socket
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = """
backend: "python"
max_batch_size: 64
input [ {{ name: "pixels" data_type: TYPE_UINT8 dims: [ {height}, {width}, {channels} ] }} ]
output [ {{ name: "logits" data_type: TYPE_FP32 dims: [ {classes} ] }} ]
dynamic_batching {{ }}
instance_group [ {{ kind: KIND_CPU count: {instances} }} ]
parameters {{ key: "folder" value {{ string_value: "{folder}" }} }}
parameters {{ key: "threads" value {{ string_value: "{threads}" }} }}
parameters {{ key: "code" value {{ string_value: "{code}" }} }}
"""


def write_model(repository, folder, setting):
    config = json.loads((folder / "config.json").read_text())
    encoder = config["encoder"]
    instances, threads = setting.split("x")
    version = repository / f"tiny-{setting}" / "1"
    version.mkdir(parents=True)
    shutil.copy(HERE / "model.py", version)
    (version.parent / "config.pbtxt").write_text(CONFIG.format(
        height=encoder["image_height"], width=encoder["image_width"], channels=encoder["channels"],
        classes=config["num_classes"], folder=folder, code=HERE, instances=instances, threads=threads))


def backends(scratch, shipped):
    """The shipped Python backend beside the stub for this Python."""
    python = scratch / "backends" / "python"
    shutil.copytree(shipped / "backends" / "python", python)
    shutil.copy(shipped / "python_backend_stubs" / "{}.{}".format(*sys.version_info) / "triton_python_backend_stub", python)
    return python.parent


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=lambda path: pathlib.Path(path).resolve(), required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True, help="an empty folder for what Triton reads")
    parser.add_argument("settings", nargs="+", help="INSTANCESxTHREADS: a model tiny-INSTANCESxTHREADS each")
    arguments = parser.parse_args()

    shipped = pathlib.Path(importlib.util.find_spec("pytriton").origin).parent / "tritonserver"
    repository = arguments.scratch / "models"
    for setting in arguments.settings:
        write_model(repository, arguments.folder, setting)
    # The backend's stub is a Python by itself: it finds this one's library by the second, its packages by the first.
    environment = dict(
        os.environ, PATH=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        LD_LIBRARY_PATH=f"{shipped.parents[1] / 'nvidia_pytriton.libs'}:{sysconfig.get_config_var('LIBDIR')}")
    server = shipped / "bin" / "tritonserver"
    os.execve(server, [
        str(server), f"--model-repository={repository}", f"--backend-directory={backends(arguments.scratch, shipped)}",
        "--allow-http=false", "--allow-metrics=false", "--grpc-address=127.0.0.1", f"--grpc-port={free_port()}",
    ], environment)


main()
