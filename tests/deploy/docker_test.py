"""docker/ without a Docker engine and without the network: what its files say of one another and of the programs."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from processes import MaeServer, Program, ROOT, eventually, get

sys.path.insert(0, str(ROOT / "tools/docker_rehearsal"))
from context import context_files  # noqa: E402
from dockerfile import Dockerfile  # noqa: E402

DOCKER = ROOT / "docker"
PROGRAMS = pathlib.Path(sys.argv.pop(1))
IMAGE = Dockerfile((DOCKER / "Dockerfile").read_text())
TARGETS = ("cpu", "cuda")


class Images(unittest.TestCase):
    def test_what_is_copied_from_the_context_is_in_it(self):
        files = context_files(ROOT)
        for stage in IMAGE.stages.values():
            for step in stage.steps:
                if step.keyword == "COPY" and step.source_stage is None:
                    for path in step.words[:-1]:
                        self.assertTrue(path == "." or path in files, path)

    def test_the_context_has_every_source_and_nothing_that_a_build_does_not_read(self):
        files = set(context_files(ROOT))
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
        for path in tracked:
            if path.split("/")[0] in ("client", "cmake", "configs", "lib", "proto", "server", "trainer"):
                self.assertIn(path, files)
        self.assertEqual({path for path in files if re.match(r"\.git|build/|docs/|deploy/|demo-output/|tests/.*_test", path)}, set())

    def test_base_is_pinned_by_digest(self):
        self.assertRegex(IMAGE.arguments["DEBIAN"], r"^debian:bookworm-slim@sha256:[0-9a-f]{64}$")

    def test_images_run_as_a_user_and_start_the_server_under_an_init(self):
        for target in TARGETS:
            stage = IMAGE.stage(target)
            self.assertNotEqual(stage.user.split(":")[0], "0")
            self.assertEqual(stage.entrypoint, ["/usr/bin/tini", "--"])
            self.assertEqual(stage.command[0], "mae_server")

    def test_the_health_check_knows_a_server_that_takes_requests_whatever_its_grpc_port_asks_for(self):
        with MaeServer(PROGRAMS, tls=True) as server:
            port = server.http.rsplit(":", 1)[1]
            words = [word.replace("9500", port) for word in IMAGE.stage("cpu").health]
            self.assertEqual(subprocess.run(words).returncode, 0)
        self.assertNotEqual(subprocess.run(words, stderr=subprocess.DEVNULL).returncode, 0)

    def test_only_the_last_stages_files_are_in_an_image(self):
        for target in TARGETS:
            lineage, name = [], target
            while name is not None:
                lineage.append(name)
                name = IMAGE.stage(name).parent
            self.assertEqual(lineage, [target, "runtime", "base"])


class Settings(unittest.TestCase):
    def start(self, words, folder):
        """A server by the words of the image, on ports of its own and in the folder; and its addresses, gRPC's and HTTP's."""
        place = {"0.0.0.0:8500": "127.0.0.1:0", "0.0.0.0:9500": "127.0.0.1:0", "/var/lib/mae": folder}
        program = Program([PROGRAMS / words[0], *(place.get(word, word) for word in words[1:])], pathlib.Path(folder), "server")
        self.addCleanup(program.stop)
        said = eventually("the server's addresses", lambda: program.check_runs() or re.search(
            r"listening on (\S+)\nmetrics on (\S+)/metrics", program.out.read_text()))
        return program, said[1], said[2]

    def test_the_health_check_tells_a_server_that_is_started_as_the_image_starts_it_from_none(self):
        stage = IMAGE.stage("cpu")
        with tempfile.TemporaryDirectory() as folder:
            program, _, http = self.start(stage.command, folder)
            probe = [word.replace("9500", http.rsplit(":", 1)[1]) for word in stage.health]
            self.assertEqual(subprocess.run(probe).returncode, 0)
            program.stop()
            self.assertNotEqual(subprocess.run(probe, stderr=subprocess.DEVNULL).returncode, 0)

    def test_the_image_by_itself_listens_for_nobody(self):
        with tempfile.TemporaryDirectory() as folder:
            place = {"0.0.0.0:8500": "0.0.0.0:0", "0.0.0.0:9500": "0.0.0.0:0", "/var/lib/mae": folder}
            words = [place.get(word, word) for word in IMAGE.stage("cpu").command]
            ended = subprocess.run([PROGRAMS / words[0], *words[1:]], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn("--insecure-listen-for-everybody", ended.stderr)

    def test_the_server_takes_the_settings_of_compose(self):
        with tempfile.TemporaryDirectory() as folder:
            settings = pathlib.Path(folder) / "server.yaml"
            settings.write_text((DOCKER / "server.yaml").read_text().replace("0.0.0.0:8500", "127.0.0.1:0")
                                .replace("0.0.0.0:9500", "127.0.0.1:0").replace("/var/lib/mae", folder))
            _, _, http = self.start(["mae_server", "--config", str(settings)], folder)
            self.assertIsNotNone(get(http + "/readyz"))

    def test_prometheus_is_configured_as_deploy_has_it_but_for_the_target(self):
        def lines(path):
            return [line for line in path.read_text().splitlines() if not line.startswith("#")]
        ours = lines(DOCKER / "prometheus.yml")
        self.assertEqual([line.replace("mae-server:9500", "localhost:9500") for line in ours], lines(ROOT / "deploy/prometheus/prometheus.yml"))

    def test_the_example_environment_has_every_variable_with_its_default(self):
        used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (DOCKER / "compose.yaml").read_text()))
        example = dict(re.findall(r"(?m)^(\w+)=(.*)$", (DOCKER / ".env.example").read_text()))
        self.assertEqual(example, used)


class PackageList(unittest.TestCase):
    def test_it_names_installed_packages_pinned_wheels_and_what_was_compiled_in(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "libtorch").mkdir()
            pins = (ROOT / "tools/libtorch-cpu.txt").read_text()
            (place / "libtorch/.complete").write_text(pins)
            (place / "built").write_text("libgrpc++-dev\t1.51.1-3+b1\n")
            said = subprocess.run([DOCKER / "make-sbom", place, place / "built"], capture_output=True, text=True, check=True)
        listed = {package["SPDXID"]: package for package in json.loads(said.stdout)["packages"]}
        for name, version, sha256 in re.findall(r"(?m)^([\w-]+)==(\S+) --hash=sha256:(\w+)", pins):
            wheel = listed[f"SPDXRef-pypi-{name}"]
            self.assertEqual((wheel["versionInfo"], wheel["checksums"][0]["checksumValue"]), (version, sha256))
        libc = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libc6"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(listed["SPDXRef-deb-libc6"]["versionInfo"], libc)
        self.assertEqual(listed["SPDXRef-built-libgrpc-plus--plus--dev"]["name"], "libgrpc++-dev")


if __name__ == "__main__":
    unittest.main()
