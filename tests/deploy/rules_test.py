"""Rules, their unit tests and runbooks, and dashboards, without a server. Skipped (77) where promtool is not installed."""
import re
import shutil
import subprocess
import sys
import unittest

import dashboards
from processes import ROOT

PROMETHEUS = ROOT / "deploy/prometheus"
ALERTS = re.findall(r"- alert: (\w+)", (PROMETHEUS / "alerts.yml").read_text())


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Rules(unittest.TestCase):
    def test_promtool_takes_the_configuration_and_the_rules(self):
        for arguments in (("check", "config", "prometheus.yml"), ("check", "rules", "alerts.yml")):
            code, said = promtool(*arguments)
            self.assertEqual(code, 0, said)
        self.assertIn(f"{len(ALERTS)} rules found", said)

    def test_alerts_fire_when_they_should_and_not_else(self):
        code, said = promtool("test", "rules", "tests/alerts_test.yml")
        self.assertEqual(code, 0, said)

    def test_each_alert_has_unit_tests_of_both_outcomes_and_a_page(self):
        tests = (PROMETHEUS / "tests/alerts_test.yml").read_text()
        rules = (PROMETHEUS / "alerts.yml").read_text()
        for alert in ALERTS:
            self.assertRegex(tests, rf"alertname: {alert}, exp_alerts: \[\]")
            self.assertRegex(tests, rf"alertname: {alert}\n\s+exp_alerts:\n\s+- exp_labels")
            page = f"docs/runbooks/{alert}.md"
            self.assertIn(f"runbook: {page}", rules)
            self.assertTrue((ROOT / page).is_file(), f"no {page}")

    def test_each_page_is_of_an_alert(self):
        pages = {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")} - {"README"}
        self.assertEqual(pages, set(ALERTS))


class Dashboards(unittest.TestCase):
    def test_grafana_can_take_each(self):
        self.assertEqual(set(dashboards.load()), {"training", "serving", "box"})
        for name, dashboard in dashboards.load().items():
            self.assertEqual(dashboards.faults(dashboard), [], name)

    def test_each_has_variables_and_marks_failures(self):
        for name, dashboard in dashboards.load().items():
            variables = {variable["name"] for variable in dashboard["templating"]["list"]}
            self.assertIn("model", variables, name)
            self.assertIn("Failures", [mark["name"] for mark in dashboard["annotations"]["list"]], name)

    def test_the_provisioned_data_source_is_the_one_they_use(self):
        provisioned = (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text()
        self.assertIn("uid: mae-prometheus", provisioned)


if __name__ == "__main__":
    if shutil.which("promtool") is None:
        print("promtool is not installed: tools/setup --dev")
        sys.exit(77)
    unittest.main()
