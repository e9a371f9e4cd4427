"""A right SimCLR that does something else instead of answering: `misbehaving.py PIDS MODE [always]`.

It adds its process's number to the file PIDS, and misbehaves where a batch has three images, or always.
"""

import json
import os
import subprocess
import sys
import time

import simclr

PIDS, MODE = sys.argv[1:3]
ALWAYS = "always" in sys.argv[3:]


def note(pid):
    with open(PIDS, "a") as pids:
        pids.write(f"{pid}\n")


def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def sleeper():
    """Another process, which has this one's pipes, and outlives it unless somebody ends it."""
    note(subprocess.Popen(["sleep", "600"]).pid)


def misbehave(right):
    print(f"about to: {MODE}", file=sys.stderr, flush=True)
    if MODE == "crash":
        sys.exit(3)
    elif MODE == "abort":
        os.abort()
    elif MODE == "hang":
        time.sleep(600)
    elif MODE == "hang-with-child":
        sleeper()
        time.sleep(600)
    elif MODE == "die-with-child":
        sleeper()
        os._exit(4)
    elif MODE == "close":
        os.close(1)
        time.sleep(600)
    elif MODE == "garbage":
        write("Segmentation fault\n")
    elif MODE == "bytes":
        os.write(1, b"\xff\xfe\n")
    elif MODE == "endless-line":
        while True:
            write("7" * 65536)
    elif MODE == "endless-lines":
        while True:
            write("{}\n" * 1000)
    elif MODE == "twice":
        write(f"{json.dumps(right)}\n{json.dumps(right)}\n")
    elif MODE == "short":
        right["gradient"]["views"][1].pop()
        write(json.dumps(right) + "\n")
    elif MODE == "nan":
        right["gradient"]["views"][1][2][0] = float("nan")
        write(json.dumps(right) + "\n")
    elif MODE == "nothing":
        write("{}\n")
    elif MODE == "error":
        write('{"error": "three images are too many"}\n')
    elif MODE == "no-end-of-line":
        write(json.dumps(right))
        time.sleep(600)
    elif MODE == "deep":
        write("[" * 50000 + "\n")
    elif MODE == "loud":
        for _ in range(2000):
            print("x" * 1000, file=sys.stderr)
        sys.exit(5)


note(os.getpid())
if MODE == "child":
    sleeper()
if MODE == "deaf":
    time.sleep(600)
if MODE == "banner":
    write("Loading the model\n")
for line in sys.stdin:
    request = json.loads(line)
    right = simclr.answer(request)
    three = "data" in request and len(request["data"]["views"][0]) == 3
    if MODE not in ("child", "banner") and (ALWAYS or three):
        misbehave(right)
    else:
        write(json.dumps(right) + "\n")
