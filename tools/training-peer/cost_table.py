"""The table of tools/bench-cost: what a step costs, by lines `KEY VALUE …` of result_line, and the exponent with which it grows."""
import collections
import math
import sys

import result_line

# Tokens that the encoder sees of an image of 32 x 32, a quarter of its patches and the class token.
VISIBLE = {4: 17, 2: 65, 1: 257}


def exponent(points):
    """The slope of log cost over log key, by least squares."""
    logs = [(math.log(key), math.log(cost)) for key, cost in points]
    mean_key, mean_cost = (sum(values) / len(values) for values in zip(*logs))
    return sum((x - mean_key) * (y - mean_cost) for x, y in logs) / sum((x - mean_key) ** 2 for x, _ in logs)


def main():
    series = collections.defaultdict(list)
    for line in sys.stdin:
        found = result_line.read(line)
        if not found:
            continue
        (what, key, batch), fields = found[0].split(), found[1]
        key = VISIBLE[int(key)] if what == "patch" else int(key)
        series[what].append((key, int(batch) / fields["images/s"] * 1e3, fields["images/s"], fields["peak"]))
    print("| | | ms a step | images/s | peak MiB |", "| --- | --- | --- | --- | --- |", sep="\n")
    for what, rows in series.items():
        name = "visible tokens" if what == "patch" else what
        for key, milliseconds, rate, peak in rows:
            print(f"| {name} | {key} | {milliseconds:.0f} | {rate:.0f} | {peak:.0f} |")
        print(f"| {name} | exponent | {exponent([row[:2] for row in rows]):.2f} | | |")


main()
