"""The table of tools/bench-ranks, by lines `together RANKS …` and `alone RANKS …` of result_line: of the latter a line a process."""
import collections
import statistics
import sys

import result_line


def main():
    rates = {"together": collections.defaultdict(list), "alone": collections.defaultdict(list)}
    for line in sys.stdin:
        found = result_line.read(line)
        if found:
            how, ranks = found[0].split()
            rates[how][int(ranks)].append(found[1]["images/s"])
    together = {ranks: statistics.median(values) for ranks, values in rates["together"].items()}
    one = together[min(together)]
    print("| ranks | images/s | against the fewest | as many alone | communication |", "| --- | --- | --- | --- | --- |", sep="\n")
    for ranks, rate in together.items():
        alone = ranks * statistics.median(rates["alone"][ranks])
        print(f"| {ranks} | {rate:.0f} | {rate / one:.2f} | {alone:.0f} | {100 * (1 - rate / alone):.0f} % |")


main()
