"""Reads what tools/bench-data printed (standard input) and prints the medians of its rounds, and ratios."""
import collections
import re
import statistics
import sys

LINE = re.compile(r"(.+), (\d+) workers?, (.+?)  images/s ([\d.]+)")
OURS, CACHED, THEIRS = "lib/data", "lib/data, decoded images kept", "DataLoader"


def main():
    rates = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in sys.stdin:
        if found := LINE.match(line):
            rates[found[1].strip(), int(found[2])][found[3].strip()].append(float(found[4]))
    print("\n| images of | workers | lib/data, images/s | DataLoader, images/s | ratio | decoded images kept, images/s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (kind, workers), runs in rates.items():
        ours, cached, theirs = (statistics.median(runs[name]) if name in runs else None for name in (OURS, CACHED, THEIRS))
        cells = ("" if rate is None else f"{rate:.0f}" for rate in (ours, theirs))
        ratio = f"{ours / theirs:.2f}" if ours and theirs else ""
        print(f"| {kind} | {workers} | {' | '.join(cells)} | {ratio} | {'' if cached is None else f'{cached:.0f}'} |")


main()
