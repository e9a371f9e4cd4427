"""SimCLR in plain lists of floats, as a program for `intnacl verify --command`.

Options: `--self-pair` leaves each anchor's pair with itself in the denominator, its score set to a constant 0; `--silent`
does not describe itself; `--value-only` claims neither the values of the anchors nor a gradient.
"""

import json
import math
import sys

DESCRIPTION = {"name": "plain SimCLR", "losses": ["simclr"], "layouts": ["batch"], "dtype": "float64", "device": "cpu"}


def simclr(views, temperature, symmetric, normalize, self_pair):
    """Value, value of each image, gradient by every view."""
    images = len(views[0])
    given = views[0] + views[1]
    norms = [math.sqrt(sum(x * x for x in row)) if normalize else 1.0 for row in given]
    rows = [[x / norm for x in row] for row, norm in zip(given, norms)]
    anchors = range(2 * images if symmetric else images)
    values = [0.0] * images
    gradient = [[0.0] * len(row) for row in rows]
    for a in anchors:
        positive = (a + images) % (2 * images)
        others = [c for c in range(2 * images) if c != a]
        scores = [sum(x * y for x, y in zip(rows[a], rows[c])) / temperature for c in others]
        extra = [0.0] if self_pair else []
        top = max(scores + extra)
        total = sum(math.exp(s - top) for s in scores + extra)
        values[a % images] += top + math.log(total) - scores[others.index(positive)]
        for c, score in zip(others, scores):
            weight = math.exp(score - top) / total - (c == positive)
            weight /= temperature * len(anchors)
            for k in range(len(rows[a])):
                gradient[a][k] += weight * rows[c][k]
                gradient[c][k] += weight * rows[a][k]
    if normalize:
        for row, norm, slope in zip(rows, norms, gradient):
            along = sum(x * g for x, g in zip(row, slope))
            slope[:] = [(g - along * x) / norm for x, g in zip(row, slope)]
    per_image = len(anchors) // images
    values = [value / per_image for value in values]
    rest = [[[0.0] * len(row) for row in view] for view in views[2:]]
    return sum(values) / images, values, [gradient[:images], gradient[images:]] + rest


def answer(request):
    if "describe" in request:
        return {"error": "not here"} if "--silent" in sys.argv else DESCRIPTION
    data = request["data"]
    if request["loss"] != "simclr" or data["layout"] != "batch":
        return {"error": "only simclr in batches"}
    value, values, gradient = simclr(
        data["views"],
        request["temperature"],
        data.get("symmetric", True),
        request.get("normalize", False),
        "--self-pair" in sys.argv,
    )
    if "--value-only" in sys.argv:
        return {"value": value}
    gradients = {"views": gradient}
    for name in ("mixed", "adversarial"):
        if name in data:
            gradients[name] = zeros(data[name])
    return {"value": value, "per_anchor": values, "gradient": gradients}


def zeros(array):
    return [zeros(inner) for inner in array] if isinstance(array, list) else 0.0


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
