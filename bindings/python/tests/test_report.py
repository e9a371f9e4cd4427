"""The page of HTML about a function."""

import dataclasses
import json
import pickle
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import intnacl
import numpy_losses as losses


class Page(HTMLParser):
    """The elements of a page, each with its attributes, and the texts of its requests."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "wbr") and not self.get_starttag_text().endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "path":
            assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_right_function_has_a_page(tmp_path):
    file = tmp_path / "right.html"
    verdict = intnacl.check(losses.simclr, "simclr", cases=8, report=file)
    html = file.read_text(encoding="utf-8")
    page = Page(html)
    assert page.all("html") == [{"lang": "en"}]
    assert re.search(r"<h1>simclr is (right|careful|exact)</h1>", html) and verdict.sentence() in unescape(html)
    # Values and gradients in two types, each against the temperature and against the size of the loss.
    drawings = [attributes for attributes in page.all("svg") if attributes.get("role") == "img"]
    assert len(drawings) == 8 and all("aria-labelledby" in drawing for drawing in drawings)
    assert not re.search(r"https?:|<script|<link|src=", html)
    assert list(tmp_path.iterdir()) == [file]


def test_the_page_of_a_wrong_function_is_written_before_the_error(tmp_path):
    file = tmp_path / "wrong.html"
    with pytest.raises(AssertionError) as error:
        intnacl.check(losses.wrong_gradient, "simclr", cases=8, dtype="f64", report=str(file))
    html = file.read_text(encoding="utf-8")
    page = Page(html)
    assert "<h1>wrong_gradient is wrong</h1>" in html
    failed = error.value.verdict.failed
    requests = re.findall(r'<pre class="request" tabindex="0"><code>(.*?)</code>', html, re.DOTALL)
    assert len(requests) == len(failed) == len([a for a in page.all("article") if a["class"] == "failure"])
    read = json.loads(unescape(requests[0]))
    assert read["loss"] == "simclr" and read["data"]["views"] == failed[0].counterexample.arrays["views"].tolist()
    assert failed[0].counterexample.code in unescape(html)


def test_the_page_of_own_views_has_the_standard_that_was_asked_for(tmp_path):
    views = [[[1.0, 0.0], [0.0, 1.0]], [[0.6, 0.8], [-0.8, 0.6]]]
    file = tmp_path / "own.html"
    intnacl.check(losses.simclr, "simclr", views=views, dtype="f64", standard="careful", report=file)
    html = file.read_text(encoding="utf-8")
    assert "Asked for: <strong>careful</strong>; no failure in 1 check that was judged." in html


def test_a_verdict_is_copied_and_pickled(tmp_path):
    verdict = intnacl.check(losses.simclr, "simclr", cases=2, dtype="f64", report=tmp_path / "page.html")
    assert dataclasses.asdict(verdict)["reports"][0]["law"] == verdict.reports[0].law
    again = pickle.loads(pickle.dumps(verdict))
    assert again.text() == verdict.text()
    with pytest.raises(ValueError, match="was pickled"):
        again.as_html()


def test_the_command_writes_a_page_and_names_a_file_that_it_cannot_write(tmp_path):
    def run(file):
        words = ["check", "numpy_losses:wrong_gradient", "--framework", "numpy", "--cases", "4", "--dtype", "f64", "--report", str(file)]
        return subprocess.run([sys.executable, "-m", "intnacl", *words], capture_output=True, text=True, cwd=Path(__file__).parent)

    found = run(tmp_path / "wrong.html")
    assert found.returncode == 1, found.stderr
    Page((tmp_path / "wrong.html").read_text(encoding="utf-8"))
    absent = tmp_path / "no folder" / "wrong.html"
    found = run(absent)
    assert found.returncode == 2 and str(absent) in found.stderr and not found.stdout
