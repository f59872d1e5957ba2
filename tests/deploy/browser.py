"""A headless Chromium that shows one page, told what to do by its debugging protocol over a pair of pipes."""
import base64
import json
import os
import select
import subprocess
import tempfile
import time

from processes import PATIENCE, eventually

NAME = "chromium-headless-shell"


class Browser:
    def __init__(self, width=1240, height=1300):
        self._profile = tempfile.TemporaryDirectory(prefix="mae-browser-", ignore_cleanup_errors=True)
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        # It takes commands from descriptor 3 and answers on 4. Without its sandbox, which containers seldom allow: it opens our pages.
        command = (f"exec {NAME} --no-sandbox --disable-gpu --remote-debugging-pipe --window-size={width},{height} "
                   f"--user-data-dir={self._profile.name} about:blank 3<&{to_read} 4>&{to_write}")
        self._process = subprocess.Popen(["bash", "-c", command], pass_fds=(to_read, to_write), stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self._pending = b""
        self._count = 0
        self._session = None
        target = self._call("Target.createTarget", url="about:blank", width=width, height=height)["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(30)
        os.close(self._read)
        os.close(self._write)
        self._profile.cleanup()

    def _message(self, deadline):
        """Messages are JSON with a NUL behind each."""
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._read], [], [], max(0, deadline - time.monotonic()))
            got = os.read(self._read, 1 << 20) if ready else b""
            if not got:
                raise AssertionError("the browser has ended" if ready else "the browser does not answer")
            self._pending += got
        message, self._pending = self._pending.split(b"\0", 1)
        return json.loads(message)

    def _call(self, method, **parameters):
        self._count += 1
        call = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            call["sessionId"] = self._session
        os.write(self._write, json.dumps(call).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._message(deadline)
            if message.get("id") == self._count:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]

    def open(self, url):
        """Waits until the page is there."""
        self._call("Page.navigate", url=url)
        eventually(f"{url} to load", lambda: self.ask("document.readyState === 'complete' && location.protocol === 'http:'"))

    def ask(self, expression):
        """What a JavaScript expression is on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def picture(self, path, height=None):
        clip = {"clip": {"x": 0, "y": 0, "width": 1240, "height": height, "scale": 1}} if height else {}
        shot = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=bool(height), **clip)
        path.write_bytes(base64.b64decode(shot["data"]))
