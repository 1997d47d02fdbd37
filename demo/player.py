"""Plays the steps in booking order with several clients at once."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from demo.client import SECONDS, Client
from demo.model import Answer, Step

type MakeClient = Callable[[], Client]
type OnAnswer = Callable[[Answer], None]


@dataclass(slots=True)
class Played:
    """The answers to the steps, in their order. ``seconds``: from the first request to the last answer."""

    answers: Sequence[Answer]
    seconds: float

    @property
    def bookings(self) -> list[Answer]:
        """The answers to bookings, without cancellations."""
        return [answer for answer in self.answers if answer.step.cancels is None]


@dataclass(slots=True)
class _Queue:
    """Hands out steps one by one, not faster than ``rate`` a second (0: at once)."""

    steps: Iterator[Step]
    rate: float
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next_at: float = 0.0

    def next(self) -> Step | None:
        """The next step when its time has come; None when there is none."""
        with self._lock:
            if self.stop.is_set():
                return None
            step = next(self.steps, None)
            at = self._next_at = max(self._next_at, time.perf_counter())
            self._next_at += 1 / self.rate if self.rate else 0
        if step is not None and self.stop.wait(max(0.0, at - time.perf_counter())):
            return None
        return step


def play(
    steps: Sequence[Step], make_client: MakeClient, clients: int, rate: float, on_answer: OnAnswer
) -> Played:
    """Send all requests; ``on_answer`` is called with each answer, in the clients' threads.

    A cancellation waits for the answer to its booking and is left out when nothing was booked. On any
    exception in the caller's thread (Ctrl-C) the clients stop after the answer they wait for.
    """
    answers: dict[int, Future[Answer | None]] = {step.number: Future() for step in steps}
    queue = _Queue(iter(steps), rate)

    def work() -> None:
        with make_client() as client:
            while (step := queue.next()) is not None:
                answer = _play(client, step, answers, queue.stop)
                answers[step.number].set_result(answer)
                if answer is not None:
                    on_answer(answer)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients, thread_name_prefix="client") as pool:
        workers = [pool.submit(work) for _ in range(clients)]
        try:
            for worker in wait(workers, return_when=FIRST_EXCEPTION).done:
                worker.result()
        except BaseException:
            queue.stop.set()
            raise
    done = [found for step in steps if (found := answers[step.number].result(0)) is not None]
    return Played(done, time.perf_counter() - began)


def _play(
    client: Client, step: Step, answers: dict[int, "Future[Answer | None]"], stop: threading.Event
) -> Answer | None:
    if step.cancels is None:
        return client.play(step, None)
    booked = _answer_to(answers[step.cancels], stop)
    if booked is None or booked.booking_id is None:
        return None
    return client.play(step, booked.booking_id)


def _answer_to(answer: "Future[Answer | None]", stop: threading.Event) -> Answer | None:
    while not stop.is_set():
        try:
            return answer.result(0.1)
        except TimeoutError:
            continue
    return None


def open_doors(make_client: MakeClient, restaurants: Iterable[str], clients: int) -> None:
    """One call by every client at the same time, so that no guest pays for the start of a sandbox."""
    ids = list(restaurants)
    together = threading.Barrier(clients)

    def call(number: int) -> None:
        with make_client() as client:
            together.wait(SECONDS)
            list(client.bookings(ids[number % len(ids)]))

    with ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(call, number) for number in range(clients)]:
            done.result()
