"""Runs a finished root file system as compose.yaml has it run: read-only, as its own user, without capabilities or a way to more,
its first process number 1, with a network that has nothing but loopback."""
import os
import pathlib
import subprocess
import tempfile
import time

from chroot import mount_devices

PATIENCE = 60  # seconds for the server to be healthy

# One job of a few steps each: that it is served is the point, not what it learns.
_DEMO = ["mae-demo", "--set", "data.train_images=512", "--set", "data.validation_images=64", "--set", "schedule.epochs=1",
         "--set", "schedule.warmup_epochs=0", "--set", "data.batch_size=64"]


class Image:
    def __init__(self, root, stage):
        self._root = root
        self._stage = stage
        self._inside = None  # number here of the image's first process

    def rehearse(self):
        """Raises unless the server gets healthy, serves mae-demo, and ends by itself on SIGTERM."""
        with tempfile.TemporaryDirectory(prefix="mae-image-") as scratch:
            self._mount(pathlib.Path(scratch))
            command = self._stage.entrypoint + self._stage.command
            print(f"\n== {' '.join(command)}", flush=True)
            server = subprocess.Popen(["unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-c",
                                       'ip link set lo up && mount -t proc proc "$0/proc" && exec "$@"', self._root,
                                       *self._enter(command)], env=self._environment())
            self._await_health(server)
            self._show_limits()
            self._call(["mae_client", "server-info"])
            self._call(_DEMO)
            self._refuses_writes()
            os.kill(self._inside, 15)
            if server.wait(timeout=180) != 0:
                raise AssertionError(f"the server ended with {server.returncode}")
            print("== served, and ended by itself with 0", flush=True)

    def _mount(self, scratch):
        user, group = map(int, self._stage.user.split(":"))
        subprocess.run(["mount", "--bind", self._root, self._root], check=True)
        mount_devices(self._root)
        for volume in ("var/lib/mae", "var/lib/mae-demo"):
            folder = scratch / pathlib.Path(volume).name
            folder.mkdir()
            os.chown(folder, user, group)
            subprocess.run(["mount", "--bind", folder, self._root / volume], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self._root / "tmp"], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", self._root], check=True)

    def _environment(self):
        return {"PATH": os.environ["PATH"]}

    def _enter(self, words):
        """The command line that runs words in the image as its user."""
        user, group = self._stage.user.split(":")
        settings = [f"{name}={value}" for name, value in self._stage.env.items()]
        return ["chroot", str(self._root),
                "/usr/bin/setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
                "--no-new-privs", "/usr/bin/env", "-i", "-C", self._stage.folder, *settings, *words]

    def _call(self, words, check=True, quiet=False):
        """Runs words beside the server, in its network and among its processes."""
        return subprocess.run(["nsenter", f"--target={self._inside}", "--net", "--pid", "--mount", *self._enter(words)],
                              env=self._environment(), check=check, stderr=subprocess.DEVNULL if quiet else None,
                              stdout=subprocess.DEVNULL if quiet else None).returncode

    def _await_health(self, server):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise AssertionError(f"the server ended with {server.returncode} before it was healthy")
            children = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            self._inside = int(children[0]) if children else None
            if self._inside and self._call(self._stage.health, check=False, quiet=True) == 0:
                print("== healthy", flush=True)
                return
            time.sleep(0.2)
        raise AssertionError(f"not healthy within {PATIENCE} s: {' '.join(self._stage.health)}")

    def _show_limits(self):
        status = pathlib.Path(f"/proc/{self._inside}/status").read_text().splitlines()
        shown = {line.split(":")[0]: line.split(":")[1].split() for line in status if line.startswith(("Uid", "CapEff", "CapBnd", "NoNewPrivs"))}
        print("== " + "  ".join(f"{name} {value[0]}" for name, value in shown.items()), flush=True)
        if shown["Uid"][0] == "0" or int(shown["CapEff"][0], 16) or shown["NoNewPrivs"] != ["1"]:
            raise AssertionError("the server has more rights than it should")

    def _refuses_writes(self):
        for place in ("/opt/mae/bin/x", "/etc/x", "/var/lib/x"):
            if self._call(["touch", place], check=False, quiet=True) == 0:
                raise AssertionError(f"{place} can be written")
