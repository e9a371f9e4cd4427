"""`python -m intnacl check`."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("torch")


def run(*words, cwd=Path(__file__).parent):
    command = [sys.executable, "-m", "intnacl", "check", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_a_right_function_ends_with_0():
    found = run("torch_losses:cross_entropy", "--loss", "simclr", "--cases", "4")
    assert found.returncode == 0 and "all hold" in found.stdout and not found.stderr


def test_a_class_is_made_for_each_temperature():
    found = run("torch_losses:Module(temperature)", "--cases", "4", "--temperatures", "0.05..1")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "fixed inside" not in found.stdout
    found = run("torch_losses:Module(temperature=0.2)", "--cases", "4")
    assert found.returncode == 0 and "temperature 0.2, fixed inside" in found.stdout


def test_a_wrong_function_ends_with_1_and_its_reports_are_written(tmp_path):
    report, junit = tmp_path / "report.json", tmp_path / "laws.xml"
    words = ["torch_losses:positive_missing", "--cases", "4", "--dtype", "f64", "--json", str(report), "--junit", str(junit)]
    found = run(*words)
    assert found.returncode == 1 and "positive-not-in-denominator: " in found.stdout
    written = json.loads(report.read_text())
    assert written["holds"] is False and written["standard_reached"] is None
    assert written["diagnoses"][0]["bug"] == "positive-not-in-denominator"
    failed = next(row for row in written["reports"] if row["counterexample"])
    assert failed["request"]["loss"] == "simclr" and failed["request"]["data"]["layout"] == "batch"
    suites = ElementTree.parse(junit).getroot()
    failures = suites.findall(".//failure")
    assert len(failures) == int(suites.get("failures")) >= 2
    assert len(suites.findall(".//testcase")) == int(suites.get("tests"))


def test_the_json_of_standard_output_is_alone():
    found = run("torch_losses:cross_entropy", "--cases", "2", "--dtype", "f64", "--json", "-")
    assert json.loads(found.stdout)["holds"] is True


def test_known_failures_are_read(tmp_path):
    known = tmp_path / "known.json"
    laws = ("agrees_with_the_reference", "the_gradient_is_the_derivative_of_the_value", "permutation_of_negatives")
    known.write_text(json.dumps(dict.fromkeys(laws, "a target network")))
    found = run("torch_losses:second_view_detached", "--cases", "4", "--known", str(known))
    assert found.returncode == 0 and "as known: a target network" in found.stdout


@pytest.mark.parametrize("words, expected", [
    (["torch_losses:nothing"], "torch_losses has no nothing"),
    (["no_such_module:loss"], "no_such_module cannot be imported"),
    (["torch_losses"], "expected MODULE:FUNCTION"),
    (["torch_losses:Module(warmth)"], "warmth is neither a constant nor one of"),
    (["torch_losses:cross_entropy", "--temperatures", "3"], "expected LOW..HIGH"),
    (["torch_losses:cross_entropy", "--law", "no_such_law"], "no_such_law"),
    (["torch_losses:cross_entropy", "--loss", "debiased"], "does not take tau_plus"),
    (["torch_losses:cross_entropy", "--known", "absent.json"], "absent.json"),
])
def test_what_is_refused_ends_with_2_and_one_line(words, expected):
    found = run(*words)
    assert found.returncode == 2 and not found.stdout
    assert expected in found.stderr and len(found.stderr.strip().splitlines()) == 1
