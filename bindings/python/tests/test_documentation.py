"""Every example of the documentation is run."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import intnacl

README = Path(__file__).parent.parent / "README.md"


def test_examples_of_the_modules_hold():
    tried = 0
    for module in [intnacl, *(importlib.import_module(f"intnacl.{m.name}") for m in pkgutil.iter_modules(intnacl.__path__) if m.name != "__main__")]:
        result = doctest.testmod(module)
        assert result.failed == 0, module.__name__
        tried += result.attempted
    assert tried >= 10


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), flags=re.M | re.S)


def test_the_python_of_the_page_runs_in_its_order(tmp_path):
    pytest.importorskip("torch")
    found = blocks("python")
    assert len(found) >= 4
    # `losses.py` is the file that the page names.
    for block in found:
        if block.startswith("# losses.py"):
            (tmp_path / "losses.py").write_text(block)
    tests = [block for block in found if block.startswith("# test_losses.py")]
    for block in tests:
        (tmp_path / "test_losses.py").write_text(block)
    plain = [block for block in found if not block.startswith("#")]
    (tmp_path / "page.py").write_text("\n".join(plain))
    run = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_the_commands_of_the_page_run_and_print_what_it_shows(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "losses.py").write_text(next(block for block in blocks("python") if block.startswith("# losses.py")))
    shown = next(block for block in blocks("text") if "What is wrong" in block)
    for block in blocks("sh"):
        for line in block.splitlines():
            if not line.startswith("python -m intnacl"):
                continue
            words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)[1:]]
            run = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True)
            assert run.returncode in (0, 1), run.stderr
            if run.returncode == 1:
                found = re.sub(r"\d+\.\d+ s\)", "TIME s)", run.stdout)
                for wanted in re.sub(r"\d+\.\d+ s\)", "TIME s)", shown).splitlines():
                    assert wanted == "..." or wanted in found.splitlines(), wanted


def test_stubs_name_what_the_module_has():
    from intnacl import _intnacl

    stub = (Path(intnacl.__file__).parent / "_intnacl.pyi").read_text()
    named = set(re.findall(r"^(?:def|class) (\w+)", stub, flags=re.M))
    assert named == {name for name in dir(_intnacl) if not name.startswith("_")}
    assert (Path(intnacl.__file__).parent / "py.typed").exists()
