"""Reads the vectors without any package and checks one loss, here SimCLR on batches, in plain Python.

Run as `python check.py simclr.json`. A program of your own takes the place of `simclr`.
"""
import json
import math
import sys


def simclr(views, t, symmetric, normalize):
    if normalize:
        views = [[[x / math.hypot(*row) for x in row] for row in view] for view in views]
    first, second = views[:2]
    per_image = []
    for i in range(len(first)):
        losses = []
        for own, other in [(first, second), (second, first)][: 2 if symmetric else 1]:
            score = lambda row: sum(a * b for a, b in zip(own[i], row)) / t
            scores = [score(other[i])] + [score(v[k]) for v in (own, other) for k in range(len(own)) if k != i]
            top = max(scores)
            losses.append(top + math.log(sum(math.exp(s - top) for s in scores)) - scores[0])
        per_image.append(sum(losses) / len(losses))
    return sum(per_image) / len(per_image), per_image


with open(sys.argv[1], encoding="utf-8") as file:
    vectors = json.load(file)
failures = 0
for group in vectors["groups"]:
    for case in group["cases"] if group["layout"] == "batch" else []:
        request, data = case["request"], case["request"]["data"]
        value, per_image = simclr(
            data["views"], request["temperature"], data.get("symmetric", True), request.get("normalize", False)
        )
        bounds = case["tolerance"]["f64"]["right"]
        errors = [abs(value - case["answer"]["value"]) - bounds["value"]]
        errors += [abs(a - b) - c for a, b, c in zip(per_image, case["answer"]["per_anchor"], bounds["per_anchor"])]
        if max(errors) > 0:
            failures += 1
            print(case["id"], "fails:", case["comment"], "- known slips:", ", ".join(case["flags"]))
print(f"{failures} of the vectors in batches fail")
sys.exit(failures > 0)
