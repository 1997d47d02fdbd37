"""Two evenings, minute by minute: whoever sits somewhere sits there alone, and nobody is forgotten."""

from contextlib import redirect_stdout
from io import StringIO

from tests.evenings.play import play
from tests.evenings.script import draw
from tests.harness.service import Service


def test_the_room_beats_the_plan_all_evening(service: Service) -> None:
    with redirect_stdout(StringIO()):  # metrics
        outcome = play(service, [draw(seed) for seed in (1, 2)])
    assert outcome.wrong == []
    assert outcome.guests > 30
    assert outcome.counted["moved"] > 0
