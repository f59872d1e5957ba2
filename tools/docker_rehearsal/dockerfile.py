"""Reads the part of Dockerfile syntax that docker/Dockerfile uses; anything else is an error, not skipped."""
import dataclasses
import json
import re
import shlex


@dataclasses.dataclass
class Step:
    """RUN, COPY or WORKDIR, with the environment, folder and user that hold there."""
    keyword: str
    text: str
    words: list
    env: dict
    folder: str
    user: str
    source_stage: str | None = None


@dataclasses.dataclass
class Stage:
    name: str
    parent: str | None  # None: an image from outside
    steps: list = dataclasses.field(default_factory=list)
    env: dict = dataclasses.field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    entrypoint: list = dataclasses.field(default_factory=list)
    command: list = dataclasses.field(default_factory=list)
    health: list = dataclasses.field(default_factory=list)


def _lines(text):
    """Instructions, with continued lines joined and comments dropped."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    return [re.sub(r"\s+", " ", line).strip() for line in joined.splitlines() if line.strip()]


class Dockerfile:
    def __init__(self, text):
        self.stages = {}
        self.arguments = {}
        self._now = None
        for line in _lines(text):
            keyword, _, rest = line.partition(" ")
            handler = getattr(self, f"_{keyword.lower()}", None)
            if handler is None:
                raise ValueError(f"docker/Dockerfile: {keyword} is not known to the rehearsal")
            handler(rest)

    def stage(self, name):
        return self.stages[name]

    def needed_by(self, target):
        """The stages that the target is made of, each after those that it takes from."""
        order = []

        def visit(name):
            if name is None or name in order:
                return
            stage = self.stages[name]
            for other in [stage.parent, *(step.source_stage for step in stage.steps)]:
                visit(other)
            order.append(name)
        visit(target)
        return [self.stages[name] for name in order]

    def _arg(self, rest):
        name, _, value = rest.partition("=")
        self.arguments[name] = value

    def _from(self, rest):
        image, _, name = rest.partition(" AS ")
        image = re.sub(r"\$\{(\w+)\}", lambda found: self.arguments[found[1]], image)
        parent = self.stages.get(image)
        self._now = Stage(name, image if parent else None)
        if parent:
            for field in ("folder", "user", "entrypoint", "command", "health"):
                setattr(self._now, field, getattr(parent, field))
            self._now.env = dict(parent.env)
        self.stages[name] = self._now

    def _step(self, keyword, text, words, source_stage=None):
        now = self._now
        now.steps.append(Step(keyword, text, words, dict(now.env), now.folder, now.user, source_stage))

    def _run(self, rest):
        self._step("RUN", rest, ["/bin/sh", "-c", rest])

    def _copy(self, rest):
        words = shlex.split(rest)
        source = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
        if words[0].startswith("--"):
            raise ValueError(f"docker/Dockerfile: COPY {words[0]} is not known to the rehearsal")
        self._step("COPY", rest, words, source)

    def _workdir(self, rest):
        self._now.folder = rest
        self._step("WORKDIR", rest, [])

    def _env(self, rest):
        name, _, value = rest.partition("=")
        if "$" in value or " " in value:
            raise ValueError(f"docker/Dockerfile: ENV {rest}: the rehearsal takes one NAME=VALUE as it stands")
        self._now.env[name] = value

    def _user(self, rest):
        self._now.user = rest

    def _entrypoint(self, rest):
        self._now.entrypoint = json.loads(rest)

    def _cmd(self, rest):
        self._now.command = json.loads(rest)

    def _healthcheck(self, rest):
        self._now.health = json.loads(rest[rest.index("CMD ") + 4:])

    def _nothing_to_do(self, rest):
        pass

    _label = _expose = _stopsignal = _nothing_to_do
