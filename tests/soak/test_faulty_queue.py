"""The queue of the soak is as bad as it says, and loses nothing."""

from collections import Counter

from maitred.services.ports import OutgoingMessage
from tests.soak.faulty_queue import FaultyQueue

MANY = 1000


def filled() -> FaultyQueue:
    queue = FaultyQueue(seed=1, hurry=1000)
    for number in range(MANY):
        queue.send("q", [OutgoingMessage(str(number))])
    return queue


def test_a_fifth_comes_twice_a_tenth_is_not_deleted_and_none_keeps_its_place() -> None:
    queue = filled()
    found = queue.receive("q", MANY)
    assert [int(each.body) for each in found] != sorted(int(each.body) for each in found)
    queue.delete("q", [each.receipt for each in found])
    counts = queue.counts()
    assert 150 <= counts["duplicated"] <= 250
    assert 60 <= counts["deletes forgotten"] <= 140
    assert queue.depth() == counts["duplicated"] + counts["deletes forgotten"]


def test_what_fails_five_times_is_parked_and_comes_back_by_a_redrive() -> None:
    queue = FaultyQueue(seed=1, hurry=1000)
    queue.behave()
    queue.send("q", [OutgoingMessage("poison")])
    receives = []
    while not queue.counts()["dead-lettered"]:
        for each in queue.receive("q", 1):
            receives.append(each.receives)
            queue.change_visibility("q", each.receipt, 0)
    assert receives == [1, 2, 3, 4, 5]
    assert queue.depth() == 0
    assert queue.redrive() == 1
    [again] = queue.receive("q", 1)
    assert (again.body, again.receives) == ("poison", 1)


def test_a_good_queue_delivers_each_once() -> None:
    queue = FaultyQueue(seed=1, hurry=1000)
    queue.behave()
    for number in range(MANY):
        queue.send("q", [OutgoingMessage(str(number))])
    found = queue.receive("q", MANY * 2)
    assert set(Counter(each.body for each in found).values()) == {1}
    queue.delete("q", [each.receipt for each in found])
    assert queue.depth() == 0
