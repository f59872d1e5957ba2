"""COPY: from the work tree as .dockerignore leaves it, or from another stage."""
import os
import re
import shutil


def _pattern(text):
    """A .dockerignore pattern as a regular expression over whole relative paths; a folder's is also its content's."""
    expression = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", text.strip("/")):
        expression += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return re.compile(f"{expression}(?:/.*)?")


class Ignore:
    def __init__(self, text):
        self._rules = [(not line.startswith("!"), _pattern(line.lstrip("!")))
                       for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]

    def leaves_out(self, path):
        """The last rule that matches decides."""
        decided = False
        for leaves_out, expression in self._rules:
            if expression.fullmatch(path):
                decided = leaves_out
        return decided


def context_files(root):
    """Relative paths of what the engine would be sent."""
    ignore = Ignore((root / ".dockerignore").read_text())
    found = []
    for folder, folders, files in os.walk(root):
        relative = os.path.relpath(folder, root)
        prefix = "" if relative == "." else relative + "/"
        if not prefix:
            folders[:] = [name for name in folders if not ignore.leaves_out(name)]  # no rule here takes up what is below
        found += [prefix + name for name in files if not ignore.leaves_out(prefix + name)]
    return sorted(found)


def copy_into(root, step, source):
    """Runs one COPY; `source` is the work tree, or the folder of all stages."""
    *wanted, target = step.words
    place = root / (target if target.startswith("/") else os.path.join(step.folder, target)).lstrip("/")
    if step.source_stage:
        for path in wanted:
            shutil.copytree(source / step.source_stage / path.lstrip("/"), place, symlinks=True, dirs_exist_ok=True)
        return
    files = context_files(source)
    for path in wanted:
        if path == ".":
            chosen = {name: name for name in files}
        elif path in files:
            chosen = {path: os.path.basename(path)}
        else:
            raise FileNotFoundError(f"docker/Dockerfile: COPY {path}: not in the context")
        for name, as_name in chosen.items():
            (place / as_name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, place / as_name)
