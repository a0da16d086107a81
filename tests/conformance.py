"""Which numbered refusal is shown by which test, and how that test went.

A pytest plugin. ``tests/vectors/refusals.json`` lists the numbers. A number has exactly one test
that bears ``@pytest.mark.refusal("TOK-02")``; more tests of the same rule bear
``@pytest.mark.shows("TOK-02")``. A family whose feature is not advertised is not offered, and
needs no tests until it is.

    pytest --conformance=check    a whole run fails when a number has no test, or two
    pytest --conformance=write    the same, and docs/conformance.md is written

Without the option nothing is checked and nothing written, so a run of some tests changes nothing.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

TABLE = Path(__file__).parent / "vectors" / "refusals.json"
DOCUMENT = Path(__file__).parent.parent / "docs" / "conformance.md"
MARKS = ("refusal", "shows")
WORST_FIRST = ("failed", "error", "not run", "skipped", "expected to fail", "passed")
INTRODUCTION = """\
# Conformance

Each refusal that the server owes has a number, and one test that bears it. This document is
written by the test run (`make conformance`); a run of all tests fails when a number has no test,
has two, or when a test of a number fails.
"""


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    about: str
    source: str
    offered: bool
    numbers: Mapping[str, str]


@dataclass
class Book:
    """What was collected and what came of it. ``tests`` and ``more``: number to tests or classes of tests."""

    tests: dict[str, set[str]] = field(default_factory=dict)
    more: dict[str, set[str]] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)

    def add(self, mark: str, number: str, test: str) -> None:
        (self.tests if mark == "refusal" else self.more).setdefault(number, set()).add(test)

    def judge(self, test: str, result: str) -> None:
        """Of a test with several cases the worst result counts."""
        self.results[test] = min(self.results.get(test, "passed"), result, key=WORST_FIRST.index)

    def result_of(self, place: str) -> str:
        """Of a test, or the worst of all tests of a class that bears the mark as a whole."""
        found = [
            result for test, result in self.results.items() if test == place or test.startswith(f"{place}::")
        ]
        return min(found, key=WORST_FIRST.index, default="not run")


def name_of(node_id: str) -> str:
    """The test without its parameters."""
    return node_id.partition("[")[0]


def families(described: Mapping[str, Any], is_routed: Any) -> list[Family]:
    """The table, and which families the server offers by its own word."""
    table = json.loads(TABLE.read_text())["families"]
    return [
        Family(
            one["family"],
            one["about"],
            one["source"],
            is_offered(one.get("offered_by"), described, is_routed),
            one["numbers"],
        )
        for one in table
    ]


def is_offered(by: Mapping[str, str] | None, described: Mapping[str, Any], is_routed: Any) -> bool:
    if by is None:
        return True
    if "member" in by:
        return bool(described.get(by["member"]))
    if "grant" in by:
        return by["grant"] in described["grant_types_supported"]
    return bool(is_routed(by["path"]))


def faults(book: Book, table: Iterable[Family]) -> Iterator[str]:
    """What is wrong, a line each."""
    known: set[str] = set()
    for family in table:
        known |= set(family.numbers)
        for number in family.numbers if family.offered else ():
            tests = sorted(book.tests.get(number, ()))
            if not tests:
                yield f"{number} has no test"
            elif len(tests) > 1:
                yield f"{number} has {len(tests)} tests, mark all but one with shows: {' '.join(tests)}"
            elif (result := book.result_of(tests[0])) in {"failed", "error"}:
                yield f"{number} {result}: {tests[0]}"
    for number in sorted({*book.tests, *book.more} - known):
        yield f"{number} is not in {TABLE.name}"


def document(book: Book, table: Iterable[Family]) -> str:
    offered = [family for family in table if family.offered]
    waiting = [family for family in table if not family.offered]
    parts = [INTRODUCTION, "## Not offered\n"]
    if waiting:
        parts += ["These features are not part of the server, which does not advertise them:\n"]
        parts += [f"- {family.name}: {family.about} ({family.source})" for family in waiting] + [""]
    else:
        parts += ["Nothing: every feature of the table is part of the server.\n"]
    for family in offered:
        parts += [f"## {family.name}: {family.about}\n", f"{family.source}.\n"]
        parts += ["| number | what must hold | result | test |", "|---|---|---|---|"]
        parts += [row(book, number, words) for number, words in family.numbers.items()] + [""]
    return "\n".join(parts)


def row(book: Book, number: str, words: str) -> str:
    tests = sorted(book.tests.get(number, ()))
    more = len(book.more.get(number, ()))
    shown = " ".join(f"`{test}`" for test in tests) or "none"
    beside = f" and {more} more" if more else ""
    return f"| {number} | {words} | {book.result_of(tests[0]) if tests else 'no test'} | {shown}{beside} |"


class Recorder:
    """Collects in the process that runs tests; judges in the one that started the run."""

    def __init__(self, config: pytest.Config, wanted: str) -> None:
        self.config = config
        self.wanted = wanted
        self.book = Book()
        self.complaints: list[str] = []
        self.is_worker = hasattr(config, "workerinput")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Before any test is deselected."""
        for item in items:
            for mark in MARKS:
                for node, found in item.iter_markers_with_node(mark):
                    place = item if node is not item and not isinstance(node, pytest.Class) else node
                    self.book.add(mark, found.args[0], name_of(place.nodeid))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.book.judge(name_of(report.nodeid), result_of(report))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        for mark, number, test in getattr(node, "workeroutput", {}).get("refusals", ()):
            self.book.add(mark, number, test)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.is_worker:
            self.config.workeroutput["refusals"] = [  # type: ignore[attr-defined]
                (mark, number, test)
                for mark, found in zip(MARKS, (self.book.tests, self.book.more), strict=True)
                for number, tests in found.items()
                for test in sorted(tests)
            ]
            return
        table = families(*the_server())
        self.complaints = list(faults(self.book, table))
        whole = session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
        if self.wanted == "write" and whole:
            DOCUMENT.write_text(document(self.book, table))
        if self.complaints and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.complaints:
            terminalreporter.section("conformance")
            for complaint in self.complaints:
                terminalreporter.line(complaint, red=True)


def result_of(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "expected to fail"
    if report.outcome == "failed" and report.when != "call":
        return "error"
    return report.outcome


def the_server() -> tuple[Mapping[str, Any], Any]:
    """What this server says of itself, and whether it routes a path. After Django is set up."""
    from django.urls import Resolver404, resolve

    from passport.oauth.metadata import describe_server

    def is_routed(path: str) -> bool:
        try:
            resolve(path)
        except Resolver404:
            return False
        return True

    return describe_server(), is_routed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance",
        choices=("check", "write"),
        help="hold the numbered refusals against the tests of this whole run; write docs/conformance.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    wanted = config.getoption("--conformance")
    if wanted is None:
        return
    if config.args_source is pytest.Config.ArgsSource.ARGS and not hasattr(config, "workerinput"):
        raise pytest.UsageError("--conformance judges whole runs: name no files beside it")
    if config.getoption("keyword") or config.getoption("lf", default=False):
        raise pytest.UsageError("--conformance judges whole runs: use no -k and no --lf beside it")
    config.pluginmanager.register(Recorder(config, wanted), "conformance-recorder")
