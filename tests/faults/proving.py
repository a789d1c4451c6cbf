"""One fault at every call of a protocol in turn, each time in new surroundings.

A protocol is first run without a fault, to count its calls. Then it is run for each call, and that
call meets the fault; where the protocol fails, the same is done again, as its caller would.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol as Shape

from fakes.faulty_proxy import REGISTRY, SNS, Call, Fault, FaultyProxy
from fakes.network_faults import ONCE, cut, cut_chunked, lost
from faults.surroundings import Surroundings

_MOST_TRIES = 3
_FEW_CALLS = 8
_OF_A_CONDITION = ("409", "412")
_AFTER_THE_EFFECT = ("lost", "late", "cut", "cut chunked")
NewSurroundings = Callable[[], Surroundings]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A fault, and the call that meets it; no fault at all where its name is empty."""

    fault: str
    call: Call

    @property
    def is_borne(self) -> bool:
        """Whether the protocol has to bear it, because there is time to ask the endpoint again.

        S3 answers 409 and 412 to a condition alone; who is answered so without one may fail. A
        registry that is late has used up the time that a call has.
        """
        if self.call.service == REGISTRY:
            return self.fault != "late"
        return self.call.is_conditional or self.fault not in _OF_A_CONDITION

    @property
    def hides_message(self) -> bool:
        """Whether SNS takes a message and nobody hears of it: no condition keeps it from twice."""
        return self.call.service == SNS and self.fault in _AFTER_THE_EFFECT

    def __str__(self) -> str:
        """Return it in a line."""
        return f"{self.fault} at {self.call}" if self.fault else "without a fault"


class Protocol(Shape):
    """Calls that belong together, from the first to the effect."""

    may_raise: tuple[type[Exception], ...]
    """With these it says that it is to be done again."""

    def act(self) -> None:
        """Do it, through the proxy."""

    def check(self, meeting: Meeting) -> None:
        """Assert that it had its effect, once, and left nothing locked."""


MakeProtocol = Callable[[Surroundings], Protocol]
"""Prepares a protocol in its surroundings, without a fault."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The calls of a protocol, and the numbers of those whose answers have a body."""

    calls: list[Call]
    with_content: set[int]

    def meeting(self, fault: str, *, every: bool) -> list[Call]:
        """Return the calls that can meet a fault, or those of them that do in a part of the proof.

        In a part of a long protocol, of many requests for one object the first counts: its answer
        is lost where it writes, and of the other faults each meets a few.
        """
        calls = self.calls
        if ONCE[fault] in {cut, cut_chunked}:
            calls = [call for call in calls if call.number in self.with_content]
        if every or len(self.calls) <= _FEW_CALLS:
            return calls
        first = {(call.method, call.path): call for call in reversed(calls)}
        calls = sorted(first.values(), key=lambda call: call.number)
        if ONCE[fault] is lost:
            return [call for call in calls if call.method != "GET"]
        return calls[list(ONCE).index(fault) :: 2 * len(ONCE)]


@dataclass(frozen=True, slots=True)
class Proof:
    """How often a fault was injected, and what was wrong after it."""

    injected: int
    wrong: list[str]


def count(make: MakeProtocol, proxy: FaultyProxy, new: NewSurroundings) -> Counted:
    """Run a protocol that meets no fault, and return its calls."""
    protocol = make(new())
    proxy.restart()
    protocol.act()
    proxy.await_answers()
    counted = Counted(list(proxy.calls), set(proxy.with_content))
    protocol.check(Meeting("", counted.calls[0]))
    return counted


def prove(
    make: MakeProtocol, fault: str, calls: list[Call], proxy: FaultyProxy, new: NewSurroundings
) -> Proof:
    """Run a protocol once for each of these calls, which meets the fault."""
    injected, wrong = 0, []
    for call in calls:
        protocol, meeting = make(new()), Meeting(fault, call)
        proxy.restart(_at(meeting))
        wrong += [f"{meeting}: {problem}" for problem in _problems(protocol, meeting, proxy)]
        injected += len(proxy.injected)
    return Proof(injected, wrong)


def _at(meeting: Meeting) -> Callable[[Call], Fault | None]:
    def choose(call: Call) -> Fault | None:
        return ONCE[meeting.fault] if call.number == meeting.call.number else None

    return choose


def _problems(protocol: Protocol, meeting: Meeting, proxy: FaultyProxy) -> Iterator[str]:
    for _ in range(_MOST_TRIES):
        try:
            protocol.act()
        except protocol.may_raise as exc:
            if meeting.is_borne:
                yield f"failed for one fault: {exc!r}"
        except Exception as exc:  # noqa: BLE001 - one failure must not hide the others
            yield f"raised {exc!r}"
        else:
            break
    else:
        yield "was not done in the end"
    proxy.await_answers()
    try:
        protocol.check(meeting)
    except AssertionError as exc:
        yield f"left {str(exc).partition(chr(10))[0]}"
    except Exception as exc:  # noqa: BLE001 - one failure must not hide the others
        yield f"left {exc!r}"
