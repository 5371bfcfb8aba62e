"""What recommenders are worth against a swept HorizontalPodAutoscaler, from the `results.csv` of `ibn evaluate`.

    python3 benches/worth.py RESULTS.csv... [--learner NAME]

For each scenario the sweep of `hpa` makes a curve of core-hours over violated requests. A recommender is held against the point of that
curve with as many violated requests as its own, between two targets by straight line; beyond the ends of the curve against the end. The
gap is from there to the core-hours of `clairvoyant`. All are means over the seeds.
"""

import csv
import sys
from collections import defaultdict


def read(paths):
    """Mean share of violated requests and core-hours, by scenario and recommender."""
    runs = defaultdict(lambda: [0.0, 0.0, 0.0])
    for path in paths:
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                run = runs[row["scenario"], row["recommender"], row["seed"]]
                requests = float(row["requests"])
                run[0] += requests
                run[1] += requests * float(row["violating_requests"])
                run[2] += float(row["core_hours"])
    means = defaultdict(lambda: defaultdict(list))
    for (scenario, recommender, _), (requests, violated, cores) in runs.items():
        means[scenario][recommender].append((violated / max(requests, 1.0), cores))
    return {
        scenario: {
            name: tuple(sum(values) / len(values) for values in zip(*runs)) for name, runs in by_name.items()
        }
        for scenario, by_name in means.items()
    }


def front(points):
    """The points that no other beats, by violations."""
    best = []
    for violated, cores in sorted(points):
        if not best or cores < best[-1][1]:
            best.append((violated, cores))
    return best


def at(curve, violated):
    """Core-hours of the curve at so many violations."""
    for (v0, c0), (v1, c1) in zip(curve, curve[1:]):
        if v0 <= violated <= v1:
            return c0 + (c1 - c0) * (violated - v0) / (v1 - v0)
    return curve[0][1] if violated < curve[0][0] else curve[-1][1]


def main():
    arguments = sys.argv[1:]
    wanted = None
    if "--learner" in arguments:
        place = arguments.index("--learner")
        wanted = arguments[place + 1]
        del arguments[place : place + 2]
    means = read(arguments)
    names = sorted({name for by_name in means.values() for name in by_name if not name.startswith("hpa")})
    for name in [wanted] if wanted else names:
        print(f"\n`{name}`\n")
        print("| scenario | violated | core-hours | swept HPA at as many | saved | least violated of the sweep | clairvoyant | gap closed |")
        print("|---|---|---|---|---|---|---|---|")
        gaps, ratios = [], []
        for scenario, by_name in sorted(means.items()):
            if name not in by_name:
                continue
            violated, cores = by_name[name]
            curve = front([point for of, point in by_name.items() if of.startswith("hpa")])
            swept = at(curve, violated)
            bound_violated, bound = by_name["clairvoyant"]
            gap = (swept - cores) / (swept - bound) if swept > bound else float("nan")
            gaps.append(gap)
            ratios.append(cores / swept)
            print(
                f"| {scenario} | {100 * violated:.2f} % | {cores:.1f} | {swept:.1f} | {100 * (1 - cores / swept):.0f} % "
                f"| {100 * curve[0][0]:.2f} % at {curve[0][1]:.1f} | {100 * bound_violated:.2f} % at {bound:.1f} | {100 * gap:.0f} % |"
            )
        known = [gap for gap in gaps if gap == gap]
        print(f"| **mean** | | | | {100 * (1 - sum(ratios) / len(ratios)):.0f} % | | | {100 * sum(known) / len(known):.0f} % |")


if __name__ == "__main__":
    main()
