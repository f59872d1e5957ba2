"""Reads what tools/bench-training printed (standard input) and prints the medians of its rounds, a table a model, and ratios."""
import collections
import statistics
import sys

import models
import result_line

OURS, THEIRS, GEMM = "mae_trainer", "PyTorch", "bf16 matrix products"


def medians(lines):
    """{model: {runner: {field: median}}}"""
    rounds = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
    for line in lines:
        if found := result_line.read(line):
            model, runner = found[0].split(", ", 1)
            for field, value in found[1].items():
                rounds[model][runner][field].append(value)
    return {model: {runner: {field: statistics.median(values) for field, values in fields.items()}
                    for runner, fields in runners.items()} for model, runners in rounds.items()}


def cell(number, digits=0):
    return "" if number is None else f"{number:.{digits}f}"


def row(model, runner, reached, gemm):
    rate = reached["images/s"]
    gflops = rate * models.step_gflop(model, images=1)
    mfu = f"{100 * gflops / gemm:.0f} %" if gemm else ""
    phases = [cell(reached.get(phase), 1) for phase in result_line.PHASES]
    cells = [runner, f"{rate:.1f}", f"{1e3 * model.batch / rate:.0f}", *phases, cell(reached.get("peak")), f"{gflops:.0f}", mfu]
    return "| " + " | ".join(cells) + " |"


def compare(runners):
    """What the fastest of ours is to PyTorch's."""
    ours, theirs = ({name: at for name, at in runners.items() if name.startswith(side)} for side in (OURS, THEIRS))
    if not ours or not theirs:
        return
    best = max(ours, key=lambda name: ours[name]["images/s"])
    rate = ours[best]["images/s"]
    standard = {name: at for name, at in theirs.items() if "plain attention" not in name}
    for group, what in ((standard, "the best of PyTorch's modes"), (theirs, "the best with plain attention besides")):
        fastest = max(group, key=lambda name: group[name]["images/s"])
        print(f"{best}: {rate / group[fastest]['images/s']:.2f} times {what} ({fastest})")
    for name, at in standard.items():
        if "eager" in name:
            print(f"{best}: {rate / at['images/s']:.2f} times the images/s of {name}, {ours[best]['peak'] / at['peak']:.2f} times its memory")


def main():
    for name, runners in medians(sys.stdin).items():
        model = models.MODELS[name]
        gemm = runners.pop(GEMM, {}).get("GFLOP/s")
        encoder, decoder = (" x ".join(map(str, sizes)) for sizes in (model.encoder, model.decoder))
        print(f"\n{name}: encoder {encoder}, decoder {decoder}, batch {model.batch}, {models.step_gflop(model):.1f} GFLOP a step"
              + (f"; bf16 matrix products reach {gemm:.0f} GFLOP/s" if gemm else ""))
        print("| | images/s | ms a step | data | forward | backward | optimizer | peak MiB | GFLOP/s | MFU |")
        print("|" + " --- |" * 10)
        for runner, reached in runners.items():
            print(row(model, runner, reached, gemm))
        compare(runners)


main()
