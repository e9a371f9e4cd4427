"""The scoreboard of published losses: its machinery on losses of these tests, and what is committed of it."""

import importlib
import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("jinja2")

BOARD = Path(__file__).parent.parent / "scoreboard"
NOTES = BOARD.parent.parent.parent / "notes"
sys.path.insert(0, str(BOARD))

import adapters  # noqa: E402
import board  # noqa: E402
import page  # noqa: E402
import published  # noqa: E402
import scoreboard_entries  # noqa: E402

ENTRIES = adapters.entries()
JUDGED = [entry for entry in ENTRIES if entry.make]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for entry in scoreboard_entries.ENTRIES:
        if entry.make:
            found = board.judge(entry, folder, scoreboard_entries.__file__)
            (folder / f"{entry.name}.json").write_text(json.dumps({"judged": "2020-02-02", **found}))
    return folder


def found(results, name):
    return json.loads((results / f"{name}.json").read_text())["found"]


def test_a_right_loss_is_right_on_the_whole_range(results):
    one = found(results, "right")
    assert "usual" not in one and {part["reached"] for part in one["whole"]["types"].values()} <= {"right", "careful", "exact"}
    assert page.reached(one, "usual", "f64") == page.reached(one, "whole", "f64") != "fails"


def test_a_wrong_loss_fails_in_both_ranges_with_a_counterexample(results):
    one = found(results, "wrong")
    for which in ("whole", "usual"):
        assert page.reached(one, which, "f32") == page.reached(one, which, "f64") == "fails"
        assert "wrong_gradient(" in one[which]["counterexample"]["code"]
        assert "agrees_with_the_reference" in one[which]["types"]["f64"]["failed"]


@pytest.mark.parametrize("name, words", [("absent", "no_such_module"), ("dying", "the process ends here")])
def test_what_never_answers_is_a_row_that_says_why(results, name, words):
    assert words in found(results, name)["stopped"]


class Page(HTMLParser):
    """What the tags of a page name, and whether they are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.links = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.names += [value for word, value in attributes if word == "id"]
        self.links += [value[1:] for word, value in attributes if word == "href" and value.startswith("#")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(text):
    parsed = Page()
    parsed.feed(text)
    assert not parsed.open
    return parsed


def test_pages_have_a_row_for_each_and_escape_what_they_show(results):
    texts = page.pages(scoreboard_entries.ENTRIES, results, "2020-02-01")
    for name in ("right", "wrong", "absent", "dying", "another"):
        assert f"\n### {name}\n" in texts["scoreboard.md"] and f'<h3 id="{name}">' in texts["scoreboard.html"]
    assert "wrong &lt;gradient&gt;" in texts["scoreboard.html"] and "wrong <gradient>" not in texts["scoreboard.html"]
    assert set(read(texts["scoreboard.html"]).links) <= set(read(texts["scoreboard.html"]).names)


def test_a_file_is_imported_without_the_packages_above_it(tmp_path, monkeypatch):
    inner = tmp_path / "outer_of_a_test" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "__init__.py").write_text("raise RuntimeError('it is run')\n")
    (inner / "loss.py").write_text(
        "from absent_of_a_test.losses import Base, decorate\nimport absent_of_a_test.other as other\n\n\n"
        "class Loss(Base):\n    @decorate()\n    def value(self):\n        return 3\n\n"
        "    def call(self):\n        return other.function(3)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in [name for name in sys.modules if name.startswith(("outer_of_a_test", "absent_of_a_test"))]:
        monkeypatch.delitem(sys.modules, name)
    module = published.alone("outer_of_a_test.inner.loss", absent=("absent_of_a_test",))
    assert module.Loss.value(None) == 3
    with pytest.raises(published.Called):
        module.Loss.call(None)
    with pytest.raises(published.Called):
        module.Loss()
    with pytest.raises(ImportError, match="no_such_outer"):
        published.alone("no_such_outer.loss")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("absent_of_another_test")


def test_names_of_entries_are_different_and_those_of_their_results():
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert {entry.name for entry in JUDGED} == {path.stem for path in board.RESULTS.glob("*.json")}


@pytest.mark.parametrize("entry", JUDGED, ids=lambda entry: entry.name)
def test_a_committed_result_is_of_the_version_and_has_a_finding_where_it_fails(entry):
    result = json.loads((board.RESULTS / f"{entry.name}.json").read_text())
    assert (result["package"], result["version"]) == (entry.package.name, entry.package.version)
    one, kinds = result["found"], {finding.kind for finding in entry.findings}
    fails = {which: "fails" in [page.reached(one, which, dtype) for dtype in ("f32", "f64")] for which in ("whole", "usual")}
    stopped = "stopped" in one
    # Who fails where losses are used has a fault, or a convention that explains it; who fails elsewhere at least a limit.
    assert not (fails["usual"] or stopped) or kinds & {"fault", "convention"}
    assert not fails["whole"] or kinds & {"fault", "limit", "convention"}
    assert not kinds & {"fault"} or fails["usual"] or stopped
    assert not kinds & {"limit"} or fails["whole"]
    assert {finding.letter for finding in entry.findings if finding.letter} == set(result["lines"])
    assert all(output.strip() and "Traceback" not in output for output in result["lines"].values())


def test_every_letter_is_of_an_entry_and_has_its_lines():
    named = {finding.letter for entry in ENTRIES for finding in entry.findings if finding.letter}
    for suffix in (".md", ".py"):
        assert named == {path.stem for path in (BOARD / "letters").glob(f"*{suffix}")}
    # What is said to be wrong is told to its maintainers.
    assert all(finding.letter for entry in ENTRIES for finding in entry.findings if finding.kind == "fault")


@pytest.mark.parametrize("name", ["scoreboard.md", "scoreboard.html"])
def test_the_committed_pages_are_those_of_the_committed_results(name):
    assert (NOTES / name).read_text(encoding="utf-8") == page.pages(ENTRIES, board.RESULTS, adapters.NEWEST)[name]


def test_links_of_the_committed_page_lead_somewhere():
    parsed = read((NOTES / "scoreboard.html").read_text(encoding="utf-8"))
    assert parsed.links and set(parsed.links) <= set(parsed.names)
