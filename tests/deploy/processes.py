"""A real mae_server, the client beside it, and a real Prometheus that scrapes it, each in a folder of the test's own.

Nothing here waits by sleeping for a set time: what is waited for is asked for again until a deadline."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds that anything is waited for


def eventually(what, attempt, patience=PATIENCE):
    """What attempt() gives, as soon as that is true; fails with `what` after the patience."""
    deadline = time.monotonic() + patience
    pause = 0.02
    while True:
        got = attempt()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(pause)
        pause = min(2 * pause, 0.5)


def get(url):
    """The body, or None if nothing answers (yet)."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


def option(name):
    """The value of --name VALUE, which is taken off the command line; None if it is not there."""
    if name not in sys.argv:
        return None
    at = sys.argv.index(name)
    value = sys.argv[at + 1]
    del sys.argv[at:at + 2]
    return value


class Program:
    """A child process that ends with the object."""

    def __init__(self, command, folder, name):
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err)

    def check_runs(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.process.args[0]} ended with {self.process.returncode}: {self.err.read_text()[-2000:]}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def make_certificate(folder):
    """server.pem and server.key in the folder, for 127.0.0.1, signed by itself; the settings that a server takes them by."""
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                    "/CN=mae", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    key.chmod(0o600)
    return [f"tls.certificate={certificate}", f"tls.key={key}"]


class MaeServer:
    """With tls=True it speaks TLS, and its client does too."""

    def __init__(self, programs, *settings, tls=False):
        self._scratch = tempfile.TemporaryDirectory(prefix="mae-deploy-")
        self.folder = pathlib.Path(self._scratch.name)
        self.programs = pathlib.Path(programs)
        command = [self.programs / "mae_server", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
                   "--data-dir", self.folder / "data", "--set", "jobs.on_shutdown=stop", "--set", "jobs.stop_grace_seconds=10"]
        self._trust = []
        if tls:
            settings += tuple(make_certificate(self.folder))
            self._trust = ["--ca-file", self.folder / "server.pem"]
        for setting in settings:
            command += ["--set", setting]
        self.program = Program(command, self.folder, "server")
        self.address = self._printed("listening on ")
        self.http = self._printed("metrics on ").removesuffix("/metrics")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()
        self._scratch.cleanup()

    def _printed(self, key):
        def look():
            self.program.check_runs()
            lines = self.program.out.read_text().splitlines()
            return next((line.removeprefix(key) for line in lines if line.startswith(key)), None)
        return eventually(f"'{key}' of the server", look)

    def client(self, *arguments, expect=0):
        """Standard output of mae_client."""
        done = subprocess.run([self.programs / "mae_client", "--server", self.address, "--timeout", str(PATIENCE), *self._trust,
                               *arguments],
                              capture_output=True, text=True, timeout=2 * PATIENCE,
                              env=os.environ | {"XDG_CONFIG_HOME": str(self.folder)})
        if done.returncode != expect:
            raise AssertionError(f"mae_client {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def start_small(self, kind, epochs, *more, images=512, sizes=("",)):
        """A job of a small model on Fashion-MNIST, an epoch of which takes less than a second; its id."""
        sets = [f"data.train_images={images}", "data.validation_images=64", "data.batch_size=32", "logging.every_steps=2",
                "checkpoint.every_epochs=1", f"schedule.epochs={epochs}", "schedule.warmup_epochs=0"]
        sets += [f"{kind}.model.{part}embed_dim={32 if not part else 16}" for part in sizes]
        sets += [f"{kind}.model.{part}depth={2 if not part else 1}" for part in sizes]
        name = self.client(f"start-{kind}", "--recipe", f"fashion-mnist-{kind}", *more, *(word for text in sets for word in ("--set", text)))
        return name.removeprefix("jobs/")

    def pretrain(self, epochs, *more, **options):
        return self.start_small("pretrain", epochs, *more, sizes=("", "decoder."), **options)

    def finetune(self, epochs, *more, **options):
        return self.start_small("finetune", epochs, *more, **options)

    def state(self, job):
        return json.loads(self.client("-o", "json", "get-job", f"jobs/{job}"))["state"]

    def await_state(self, job, state):
        eventually(f"{job} to be {state}", lambda: self.state(job) == state)

    def kill_trainer(self, job):
        lock = self.folder / "data/jobs" / job / "trainer.lock"
        os.kill(int(lock.read_text().split()[0]), signal.SIGKILL)


class Prometheus:
    """Debian's, with deploy/prometheus, but asking the given address, and every second."""

    def __init__(self, target, folder):
        config = (ROOT / "deploy/prometheus/prometheus.yml").read_text()
        for old, new in {"localhost:9500": target, "scrape_interval: 5s": "scrape_interval: 1s",
                         "evaluation_interval: 15s": "evaluation_interval: 1s"}.items():
            assert old in config, f"prometheus.yml has no {old} any more"
            config = config.replace(old, new)
        place = folder / "prometheus"
        place.mkdir()
        (place / "prometheus.yml").write_text(config)
        (place / "alerts.yml").write_text((ROOT / "deploy/prometheus/alerts.yml").read_text())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.program = Program(["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data",
                                f"--web.listen-address=127.0.0.1:{port}"], folder, "prometheus")
        eventually("Prometheus to be ready", self._is_ready)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()

    def _is_ready(self):
        self.program.check_runs()
        return get(self.url + "/-/ready")

    def ask(self, path, **parameters):
        """The data of an answer; an error, such as an expression that is none, raises."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"Prometheus refuses {parameters}: {error.read().decode()}") from error

    def values(self, expression):
        """Of the instant vector that the expression is now."""
        return [float(sample["value"][1]) for sample in self.ask("query", query=expression)["result"]]
