"""The server's own page in a headless Chromium while a real job trains. Skipped (77) where Chromium is not installed.

    page_test.py FOLDER_OF_PROGRAMS [--picture FILE.png] [test names]"""
import pathlib
import shutil
import sys
import unittest

import browser
from processes import MaeServer, eventually, option

LOSS = "document.querySelector('polyline[data-series=loss]')?.getAttribute('points') ?? ''"
LOADED = "performance.getEntriesByType('resource').map(entry => new URL(entry.name).origin)"


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = MaeServer(PROGRAMS)
        cls.addClassCleanup(cls.server.__exit__)
        cls.pretrained = cls.server.pretrain(2, "--model", "shirts")
        cls.server.await_state(cls.pretrained, "SUCCEEDED")
        cls.training = cls.server.pretrain(10000, "--model", "shirts")
        cls.server.await_state(cls.training, "RUNNING")
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.__exit__)
        cls.browser.open(cls.server.http + "/")

    def shown(self, expression):
        return eventually(f"the page to show {expression}", lambda: self.browser.ask(expression))

    def test_curves_move_while_a_job_trains(self):
        self.shown(f"document.getElementById('job-name').textContent === '{self.training}'")
        before = self.shown(LOSS)
        for _ in range(3):
            before = eventually("the curve to move", lambda: (now := self.browser.ask(LOSS)) != before and now)
        self.assertGreater(len(before.split()), 3)

    def test_jobs_and_models_are_listed(self):
        rows = "[...document.querySelectorAll('#jobs tbody tr')].map(row => row.cells[0].textContent + ' ' + row.cells[1].textContent)"
        self.shown(f"({rows}).length === 2")
        self.assertEqual(self.browser.ask(rows), [f"{self.training} RUNNING", f"{self.pretrained} SUCCEEDED"])
        model = "[...document.querySelectorAll('#models tbody tr td')].map(cell => cell.textContent)"
        self.shown(f"({model}).length > 0")
        self.assertEqual(self.browser.ask(model)[:5], ["shirts", "masked autoencoder", "1", "1", "latest → 1"])

    def test_the_newest_reconstructions_are_shown(self):
        self.shown("document.getElementById('picture').naturalWidth > 0")
        self.assertRegex(self.browser.ask("document.getElementById('picture').src"), rf"{self.training}/picture\?[a-z0-9.-]+$")

    def test_nothing_is_loaded_from_elsewhere(self):
        self.shown(LOSS)
        self.assertEqual(set(self.browser.ask(LOADED)), {self.server.http})

    def test_z_picture(self):
        """Named to be last: the picture of docs/images."""
        self.shown("document.querySelector('polyline[data-series=validation_loss]')?.getAttribute('points').split(' ').length > 2")
        if PICTURE:
            self.browser.picture(pathlib.Path(PICTURE), self.browser.ask("document.documentElement.scrollHeight"))


if __name__ == "__main__":
    if shutil.which(browser.NAME) is None:
        print("Chromium is not installed: tools/setup --dev")
        sys.exit(77)
    PROGRAMS, PICTURE = sys.argv.pop(1), option("--picture")
    unittest.main()
