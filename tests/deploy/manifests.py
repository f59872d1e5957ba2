"""tools/deploy-check runs this in its venv."""
import copy
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"
NEWEST = "1.37"


def manifests(name):
    return list(yaml.safe_load_all((KUBERNETES / name).read_text()))


def pod_specs(node):
    """Every pod spec in what a manifest says, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get("containers"), list):
            yield node
        for value in node.values():
            yield from pod_specs(value)
    elif isinstance(node, list):
        for value in node:
            yield from pod_specs(value)


def check(manifest):
    """Raises unless the manifest is what its schema says, and each pod in it is one."""
    schema = pathlib.Path(__file__).parent / f"reference/{manifest['kind']}.json"
    if schema.exists():
        jsonschema.validate(manifest, json.loads(schema.read_text()))
    else:
        kubernetes_validate.validate(manifest, NEWEST, strict=True)
    for spec in pod_specs(manifest):
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}, NEWEST, strict=True)


REFUSED = (jsonschema.ValidationError, kubernetes_validate.ValidationError)
FILES = [path.name for path in sorted(KUBERNETES.glob("*.yaml")) if path.name != "kustomization.yaml"]


class Kubernetes(unittest.TestCase):
    def test_every_manifest_is_what_its_schema_says(self):
        for name in FILES:
            for manifest in manifests(name):
                with self.subTest(file=name, kind=manifest["kind"]):
                    check(manifest)

    def test_a_field_of_the_wrong_name_or_type_is_refused_wherever_it_is(self):
        for name in FILES:
            for manifest in manifests(name):
                for spec in [manifest, *pod_specs(manifest)]:
                    broken = copy.deepcopy(manifest)
                    target = broken if spec is manifest else next(pod_specs(broken))
                    target["wrongName"] = 1
                    with self.subTest(file=name, kind=manifest["kind"]), self.assertRaises(REFUSED):
                        check(broken)
        broken = manifests("jobset.yaml")[0]
        broken["spec"]["failurePolicy"]["maxRestarts"] = "many"
        with self.assertRaises(REFUSED):
            check(broken)

    def test_every_pod_keeps_to_the_restricted_standard(self):
        seen = 0
        for name in FILES:
            for manifest in manifests(name):
                for spec in pod_specs(manifest):
                    seen += 1
                    self.assertTrue(spec["securityContext"]["runAsNonRoot"], name)
                    self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"}, name)
                    self.assertFalse(spec["automountServiceAccountToken"], name)
                    for container in spec["containers"]:
                        self.assertEqual(container["securityContext"], {
                            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, name)
                        self.assertIn("memory", container["resources"]["limits"], name)
        self.assertEqual(seen, 3)

    def test_kustomization_names_files_that_are_there_and_all_but_the_jobs(self):
        named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
        self.assertEqual(sorted([*named, "jobset.yaml", "trainjob.yaml"]), FILES)

    def test_selectors_probes_and_monitors_name_what_is_there(self):
        _, deployment, service = manifests("server.yaml")
        labels = deployment["spec"]["template"]["metadata"]["labels"].items()
        for selector in (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"],
                         manifests("network.yaml")[0]["spec"]["podSelector"]["matchLabels"]):
            self.assertLessEqual(selector.items(), labels)
        monitor = manifests("monitoring.yaml")[0]
        self.assertLessEqual(monitor["spec"]["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
        ports = {port["name"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
        self.assertLessEqual({monitor["spec"]["endpoints"][0]["port"], *(port["targetPort"] for port in service["spec"]["ports"])}, ports)
        claims = {claim["metadata"]["name"] for claim in manifests("volumes.yaml")}
        for name in FILES:
            for manifest in manifests(name):
                for spec in pod_specs(manifest):
                    used = {volume["persistentVolumeClaim"]["claimName"] for volume in spec["volumes"] if "persistentVolumeClaim" in volume}
                    self.assertLessEqual(used, claims, name)

    def test_every_rank_of_a_job_is_told_what_torchrun_would_tell_it(self):
        jobset, = manifests("jobset.yaml")
        runtime, job = manifests("trainjob.yaml")
        pods = jobset["spec"]["replicatedJobs"][0]["template"]["spec"]
        self.assertEqual(runtime["metadata"]["name"], job["spec"]["runtimeRef"]["name"])
        for spec, more, ranks in ((next(pod_specs(jobset)), [], pods["parallelism"]),
                                  (next(pod_specs(runtime)), job["spec"]["trainer"]["env"], job["spec"]["trainer"]["numNodes"])):
            env = {entry["name"]: entry.get("value") for entry in [*spec["containers"][0]["env"], *more]}
            self.assertLessEqual({"RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}, set(env))
            self.assertEqual(env["WORLD_SIZE"], str(ranks))
        self.assertEqual((pods["parallelism"], pods["completionMode"]), (pods["completions"], "Indexed"))


class Docker(unittest.TestCase):
    def run_tool(self, *command):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_hadolint_has_nothing_to_say(self):
        self.run_tool("hadolint", "docker/Dockerfile")

    def test_compose_file_is_one(self):
        self.run_tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker/compose.yaml")

    def test_services_are_confined_and_their_ports_are_open_to_this_machine_alone(self):
        services = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())["services"]
        for name, service in services.items():
            self.assertTrue(service["read_only"], name)
            self.assertEqual((service["cap_drop"], service["security_opt"]), (["ALL"], ["no-new-privileges:true"]), name)
            self.assertIn("mem_limit", service, name)
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")
            self.assertTrue("build" in service or re.search(r":v?\d[\d.]+@sha256:[0-9a-f]{64}$", service["image"]), name)

    def test_what_is_mounted_is_there(self):
        services = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())["services"]
        for name, service in services.items():
            for mount in service.get("volumes", []):
                source = mount.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((ROOT / "docker" / source).exists(), f"{name}: {source}")

    def test_the_list_of_packages_is_spdx(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "wheels").mkdir()
            (place / "wheels/.complete").write_text((ROOT / "tools/libtorch-cpu.txt").read_text())
            (place / "built").write_text("libabsl-dev\t20220623.1-1+deb12u2\n")
            with (place / "sbom.spdx.json").open("w") as out:
                subprocess.run([ROOT / "docker/make-sbom", place, place / "built"], stdout=out, check=True,
                               env=os.environ | {"SOURCE_DATE_EPOCH": "0"})
            self.run_tool("pyspdxtools", "-i", str(place / "sbom.spdx.json"))


if __name__ == "__main__":
    unittest.main()
