"""The line that a run prints, and reading it back: `NAME  images/s N  steps N  data N ms  …  peak N MiB`."""
import re

PHASES = ("data", "forward", "backward", "optimizer")
FIELD = re.compile(r"  (images/s|GFLOP/s|steps|peak|" + "|".join(PHASES) + r") ([\d.]+)")


def write(images_per_second, steps, milliseconds, peak_mib):
    """@param milliseconds: a step, by phase; those that are not known are left out."""
    phases = "".join(f"  {name} {milliseconds[name]:.1f} ms" for name in PHASES if name in milliseconds)
    print(f"  images/s {images_per_second:.2f}  steps {steps}{phases}  peak {peak_mib:.0f} MiB", flush=True)


def read(line):
    """(NAME, {field: value}), or nothing if no run printed it."""
    fields = {name: float(value) for name, value in FIELD.findall(line)}
    return (line[:FIELD.search(line).start()].strip(), fields) if fields else None
