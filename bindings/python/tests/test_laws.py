"""`@intnacl.laws`: a test a law, in a real run of pytest."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

MODULE = '''
import sys
sys.path.insert(0, {folder!r})
import intnacl
import torch_losses as losses


@intnacl.laws("simclr", cases=4)
def test_right():
    return losses.cross_entropy


LAWS = ("agrees_with_the_reference", "the_gradient_is_the_derivative_of_the_value", "permutation_of_negatives")


@intnacl.laws("simclr", cases=4, dtype="f64", known=dict.fromkeys(LAWS, "a target network"))
def test_known():
    return losses.second_view_detached


@intnacl.laws("simclr", cases=4, only=["agrees_with_the_reference"])
def test_itself(z_i, z_j, temperature):
    return losses.positive_missing(z_i, z_j, temperature)
'''


def test_each_law_is_a_test_under_its_name(tmp_path):
    (tmp_path / "test_mine.py").write_text(MODULE.format(folder=str(Path(__file__).parent)))
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--color=no", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    lines = run.stdout.splitlines()
    assert any(line.startswith("PASSED") and "test_right[agrees_with_the_reference]" in line for line in lines)
    assert any(line.startswith("PASSED") and "test_right[permutation_of_images]" in line for line in lines)
    assert any(line.startswith("XFAIL") and "test_known[agrees_with_the_reference]" in line and "a target network" in line for line in lines)
    assert any(line.startswith("PASSED") and "test_known[rotation_of_all_embeddings]" in line for line in lines)
    assert any(line.startswith("FAILED") and "test_itself[agrees_with_the_reference]" in line for line in lines)
    assert "positive-not-in-denominator" in run.stdout
    assert "1 failed" in lines[-1] and "3 xfailed" in lines[-1]
    # The error is the verdict, not the inside of the package.
    assert "_intnacl.judge(" not in run.stdout


def test_unknown_laws_are_refused_where_they_are_named():
    import intnacl

    with pytest.raises(ValueError, match="no_such_law"):
        intnacl.laws("simclr", known={"no_such_law": "?"})(lambda: None)
