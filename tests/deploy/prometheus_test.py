"""Every expression of every panel, annotation, variable and alert gives data: asked of a real Prometheus that scrapes a real
mae_server while real jobs train, one fails, and models are asked. Skipped (77) where Prometheus is not installed.

    prometheus_test.py FOLDER_OF_PROGRAMS [--picture FILE.png] [test names]"""
import itertools
import math
import pathlib
import re
import shutil
import sys
import threading
import unittest

import browser
import dashboards
from processes import MaeServer, Prometheus, eventually, option


class Requests:
    """Asks the models again and again, in ways that succeed and in ways that don't, so that there are rates."""

    def __init__(self, server, pictures):
        self._server, self._pictures = server, pictures
        self._stop = threading.Event()
        self.error = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        out = str(self._server.folder / "answers")
        try:
            for seed in itertools.count():
                if self._stop.is_set():
                    return
                self._server.client("classify", "--model", "classes", self._pictures)  # from the response cache
                self._server.client("reconstruct", "--model", "shirts", "--seed", str(seed), "--out", out, self._pictures)
                self._server.client("classify", "--model", "shirts", self._pictures, expect=1)  # it has no classes
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def stop(self):
        self._stop.set()
        self._thread.join()


class EveryExpression(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = MaeServer(PROGRAMS, "inference.response_cache_mib=16", "jobs.slots=2", tls=True)
        cls.addClassCleanup(cls.server.__exit__)
        cls.prometheus = Prometheus(cls.server.http.removeprefix("http://"), cls.server.folder)
        cls.addClassCleanup(cls.prometheus.__exit__)
        pretrained = cls.server.pretrain(2, "--model", "shirts")
        cls.server.await_state(pretrained, "SUCCEEDED")
        classifier = cls.server.finetune(1, "--from", "shirts", "--model", "classes")
        cls.server.await_state(classifier, "SUCCEEDED")
        training = cls.server.pretrain(10000, "--model", "shirts")
        cls.failed = cls.server.pretrain(10000, "--model", "shirts")
        for job in (training, cls.failed):
            cls.server.await_state(job, "RUNNING")
        cls.server.kill_trainer(cls.failed)
        cls.values = {"job": [pretrained, classifier, training, cls.failed], "model": ["shirts", "classes"]}
        pictures = str(cls.server.folder / "pictures")
        cls.server.client("get-dataset", "fashion-mnist", "--split", "validation", "--first", "0", "--images", "4", "--out", pictures)
        cls.requests = Requests(cls.server, pictures)
        cls.addClassCleanup(cls.requests.stop)

    def has_data(self, expression):
        return any(math.isfinite(value) for value in self.prometheus.values(expression))

    def await_data(self, where, expression):
        with self.subTest(where):
            eventually(f"data for {where}: {expression}", lambda: self.has_data(expression))
            self.assertIsNone(self.requests.error)

    def test_of_every_panel_and_annotation(self):
        for dashboard in dashboards.load().values():
            for where, expression in dashboards.expressions(dashboard):
                self.await_data(where, dashboards.filled(expression, self.values))

    def test_of_every_variable(self):
        for dashboard in dashboards.load().values():
            for variable in dashboard["templating"]["list"]:
                query = dashboards.filled(variable["query"]["query"], self.values)
                series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", query).groups()
                found = lambda: self.prometheus.ask(f"label/{label}/values", **{"match[]": series})
                with self.subTest(query):
                    eventually(f"values of {query}", lambda: set(self.values[label]) <= set(found()))

    def test_of_every_alert(self):
        """A comparison by itself leaves out what does not fire; with `bool` it says 0 or 1 of whatever has data."""
        groups = self.prometheus.ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertGreater(len(rules), 5)
        for rule in rules:
            self.await_data(rule["name"], re.sub(r" (==|!=|>=|<=|>|<) ", r" \1 bool ", rule["query"]))

    def test_an_alert_fires_of_the_job_whose_trainer_was_killed(self):
        firing = lambda: [(alert["labels"]["alertname"], alert["labels"]["job"])
                          for alert in self.prometheus.ask("alerts")["alerts"] if alert["state"] == "firing"]
        eventually("MaeJobFailed to fire", lambda: ("MaeJobFailed", self.failed) in firing())

    @unittest.skipIf(shutil.which(browser.NAME) is None, "Chromium is not installed")
    def test_z_its_own_page_draws_the_loss(self):
        """Named to be last, when there are curves: the picture of docs/images."""
        drawn = "[...document.querySelectorAll('.rickshaw_graph svg path')].some(path => (path.getAttribute('d') || '').length > 200)"
        url = self.prometheus.url + "/graph?g0.range_input=2m&g0.step_input=1&g0.tab=0&g0.expr=mae_train_loss"
        with browser.Browser(height=760) as page:

            def is_drawn():  # of a page that was opened early never
                page.open(url)
                try:
                    return eventually("its curves", lambda: page.ask(drawn), patience=5)
                except AssertionError:
                    return False

            eventually("curves on Prometheus' page", is_drawn)
            if PICTURE:
                page.picture(pathlib.Path(PICTURE))


if __name__ == "__main__":
    if shutil.which("prometheus") is None:
        print("Prometheus is not installed: tools/setup --dev")
        sys.exit(77)
    PROGRAMS, PICTURE = sys.argv.pop(1), option("--picture")
    unittest.main()
