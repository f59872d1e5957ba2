"""Reads what tools/bench-serving printed (standard input) and prints the medians of its rounds as a table, and ratios."""
import collections
import re
import statistics
import sys

LINE = re.compile(r"(\S.*?)  +concurrency (\d+)  images/s ([\d.]+)  p50 ([\d.]+) ms  p95 ([\d.]+) ms  p99 ([\d.]+) ms")
SERVED = ("mae_server, pixels", "mae_server, PNG")
RUNNERS = ("model alone", "model as served", "eager PyTorch")


def medians(lines):
    """(what, concurrency): images/s, p50, p95, p99."""
    rounds = collections.defaultdict(list)
    for line in lines:
        if found := LINE.match(line):
            rounds[found[1], int(found[2])].append([float(number) for number in found.groups()[2:]])
    return {key: [statistics.median(column) for column in zip(*rows)] for key, rows in rounds.items()}


def best(reached, prefix, concurrency=1):
    """The key that begins so with the most images a second."""
    keys = [key for key in reached if key[0].startswith(prefix) and key[1] == concurrency]
    return max(keys, key=lambda key: reached[key][0])


def times(number, of):
    return f"{number / of:.2f} times" if of else "? times"


def main():
    reached = medians(sys.stdin)
    calls = sorted({concurrency for what, concurrency in reached if what in SERVED})
    alone = {(runner, batch): best(reached, f"{runner}, batch {batch}", 1)
             for runner in RUNNERS for batch in (1, 64)}
    peer = {concurrency: best(reached, "Triton", concurrency) for concurrency in calls}
    print("| | images/s | p50 | p95 | p99 |\n| --- | --- | --- | --- | --- |")
    rows = [(key[0], key) for key in alone.values()]
    for concurrency in calls:
        rows += [(f"{key[0]}, {concurrency} at a time", key)
                 for key in [(what, concurrency) for what in SERVED] + [peer[concurrency]]]
    for name, key in rows:
        rate, *latencies = reached[key]
        print(f"| {name} | {rate:.0f} | " + " | ".join(f"{latency:.1f} ms" for latency in latencies) + " |")
    print()
    for concurrency in calls:
        ours, theirs = reached[SERVED[0], concurrency], reached[peer[concurrency]]
        print(f"{concurrency} at a time: {times(ours[0], theirs[0])} the images/s of Triton, {times(ours[1], theirs[1])} its p50, "
              f"{times(ours[3], theirs[3])} its p99; p99 is {times(ours[3], ours[1])} p50")
    for batch, concurrency in ((1, calls[0]), (64, calls[-1])):
        rate = reached[SERVED[0], concurrency][0]
        model, packed, eager = (reached[alone[runner, batch]][0] for runner in RUNNERS)
        print(f"{concurrency} at a time: {times(rate, model)} the images/s of LibTorch's modules alone in batches of {batch}, "
              f"{times(rate, packed)} those of the same model without a server on one thread, "
              f"{times(rate, eager)} those of eager PyTorch")


main()
