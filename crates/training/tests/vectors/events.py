"""Reads a file of events with TensorBoard and prints its scalars; for the file beside this one it checks them.

    python3 -m pip install tensorboard==2.21.0 && python3 events.py [FILE]
"""

import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

VECTOR = pathlib.Path(__file__).with_name("events.out.tfevents.vector")
EXPECTED = {
    "loss": [(300, 4.5, 1.5e9), (600, 3.5, 1.5e9 + 1)],
    "images per second": [(300, 1234.5, 1.5e9), (600, 1234.5, 1.5e9 + 1)],
    "anchors at the floor": [(300, 0.25, 1.5e9)],
    "effective negatives": [(300, 61.5, 1.5e9)],
    "saturated anchors": [(300, 0.0, 1.5e9)],
}

path = sys.argv[1] if len(sys.argv) > 1 else str(VECTOR)
events = EventAccumulator(path)
events.Reload()
scalars = {
    tag: [(event.step, event.value, event.wall_time) for event in events.Scalars(tag)]
    for tag in events.Tags()["scalars"]
}
for tag, values in scalars.items():
    print(tag, values)
if path == str(VECTOR):
    assert scalars == EXPECTED, scalars
