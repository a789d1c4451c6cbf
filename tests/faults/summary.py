"""The count of the injected faults, at the end of a run of tests."""

from collections import defaultdict

import pytest

INJECTED = "faults injected"
"""Name of the property of a test: protocol, fault and how often it was injected."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many faults were injected, by protocol and kind."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == INJECTED:
                    protocol, fault, injected = value
                    counts[protocol][fault] = injected
    if not counts:
        return
    terminalreporter.section(INJECTED)
    for protocol, by_fault in sorted(counts.items()):
        kinds = ", ".join(f"{fault} {number}" for fault, number in sorted(by_fault.items()))
        terminalreporter.line(f"{protocol}: {sum(by_fault.values())} ({kinds})")
    total = sum(sum(by_fault.values()) for by_fault in counts.values())
    terminalreporter.line(f"all: {total}")
