"""A folder that stands in for a container while an image is built. Runs inside a mount namespace, which undoes what is left."""
import os
import pathlib
import shutil
import subprocess

# What the slim images of Debian leave out, and that their dpkg does not wait for the disk.
_SLIM = """force-unsafe-io
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
"""
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL",
              "PIP_DEFAULT_TIMEOUT", "PIP_DISABLE_PIP_VERSION_CHECK")
_CERTIFICATES = "/run/cache/ca.crt"


def _mirror():
    """The address that this machine's apt has the release from."""
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return next(line.split(" ", 1)[1] for line in lines if line.startswith("bookworm "))


def make_base(root):
    """debian:bookworm-slim, as nearly as debootstrap makes it, with this machine's sources of Debian."""
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root, _mirror()], check=True,
                   stdout=subprocess.DEVNULL)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(_SLIM)
    for folder in ("info", "locale", "man"):
        shutil.rmtree(root / "usr/share" / folder)
    for path in list((root / "usr/share/doc").rglob("*")):
        if path.name != "copyright" and (path.is_symlink() or path.is_file()):
            path.unlink()
    shutil.rmtree(root / "var/cache/apt/archives")
    for path in [*pathlib.Path("/etc/apt").glob("sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("debian.sources")]:
        (root / "etc/apt/sources.list").unlink(missing_ok=True)
        shutil.copy(path, root / path.relative_to("/"))


def mount_devices(root):
    """A /dev of its own with what every container has: that of this machine is in no chroot."""
    place = root / "dev"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", place], check=True)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (place / name).touch()
        subprocess.run(["mount", "--bind", f"/dev/{name}", place / name], check=True)
    for name, target in {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        (place / name).symlink_to(f"/proc/self/{target}")
    (place / "shm").mkdir(mode=0o1777)
    (place / "shm").chmod(0o1777)


class Chroot:
    """With mounts for as long as the `with` lasts."""

    def __init__(self, root, caches):
        self._root = root
        self._mounts = []
        self._caches = caches

    def __enter__(self):
        mount_devices(self._root)
        self._mounts.append(self._root / "dev")
        self._mount("-t", "proc", "proc", "proc")
        self._mount("-t", "tmpfs", "tmpfs", "tmp")
        self._mount("-t", "tmpfs", "tmpfs", "run")
        for inside, (folder, _) in self._caches.items():
            (self._root / inside.lstrip("/")).mkdir(parents=True)
            self._mount("--bind", folder, inside.lstrip("/"))
        shutil.copy("/etc/resolv.conf", self._root / "etc/resolv.conf")
        certificates = os.environ.get("PIP_CERT")
        if certificates:
            (self._root / "run/cache").mkdir(exist_ok=True)
            shutil.copy(certificates, self._root / _CERTIFICATES.lstrip("/"))
        return self

    def __exit__(self, *_):
        for place in reversed(self._mounts):
            subprocess.run(["umount", "--recursive", place], check=True)

    def _mount(self, *arguments):
        place = self._root / arguments[-1]
        subprocess.run(["mount", *map(str, arguments[:-1]), place], check=True)
        self._mounts.append(place)

    def run(self, words, env, folder, user):
        """One RUN; raises if it fails."""
        if user != "0:0":
            raise ValueError("docker/Dockerfile: the rehearsal runs RUN as root only")
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        environment |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {variable: inside for inside, (_, variable) in self._caches.items()}
        if os.environ.get("PIP_CERT"):
            environment["PIP_CERT"] = _CERTIFICATES
        subprocess.run(["chroot", self._root, "/usr/bin/env", "-C", folder, *words], env=environment | env, check=True)
