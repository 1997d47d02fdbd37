"""Reading a file of reservations, choosing a part of it, moving it into the future."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from demo.__main__ import main
from demo.reservations import DataError, Reservation, busiest_part, moved_ahead, read

HEADER = "reserved_at,visit_at,restaurant,party_size\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


def visit(text: str, restaurant: str = "a") -> Reservation:
    moment = datetime.fromisoformat(text)
    return Reservation(moment - timedelta(days=3), moment, restaurant, 2)


def test_rows_are_read_in_booking_order(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        HEADER + "2017-01-02 01:00,2017-01-10 21:00,225,4\n2017-01-01 23:30,2017-01-07 18:00,caf\u00e9,3\n",
    )

    first, second = read(path)

    assert first == Reservation(
        datetime.fromisoformat("2017-01-01 23:30"), datetime.fromisoformat("2017-01-07 18:00"), "caf\u00e9", 3
    )
    assert second.restaurant == "225"


def test_columns_may_stand_in_any_order_and_there_may_be_more(tmp_path: Path) -> None:
    path = written(
        tmp_path, "party_size,x,visit_at,restaurant,reserved_at\n4,,2017-01-10T21:00,225,2017-01-01 00:00\n"
    )
    assert [r.party for r in read(path)] == [4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reserved_at,visit_at,restaurant\n", "no column party_size"),
        ("", "no column reserved_at, visit_at, restaurant, party_size"),
        (HEADER, "no rows"),
        (HEADER + "2017-01-01 00:00,2017-13-10 21:00,225,4\n", "line 2: visit_at '2017-13-10 21:00'"),
        (HEADER + "yesterday,2017-01-10 21:00,225,4\n", "line 2: reserved_at 'yesterday'"),
        (HEADER + "2017-01-01 00:00,2017-01-10,225,4\n", "line 2: visit_at '2017-01-10'"),
        (HEADER + "2017-01-01 00:00,2017-01-10 21:00Z,225,4\n", "write a local time"),
        (HEADER + "2017-01-01 00:00,2017-01-10 21:00,,4\n", "line 2: restaurant is empty"),
        (HEADER + "2017-01-01 00:00,2017-01-10 21:00,225,0\n", "line 2: party_size '0'"),
        (HEADER + "2017-01-01 00:00,2017-01-10 21:00,225,1e3\n", "party_size '1e3'"),
        (HEADER + "2017-01-01 00:00,2017-01-10 21:00,225,1000000000\n", "from 1 to 1000"),
        (HEADER + "2017-01-01 00:00,2017-01-10 21:00,225\n", "line 2: party_size ''"),
    ],
)
def test_a_bad_file_is_refused_with_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as refused:
        read(written(tmp_path, text))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_file_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path)
    binary = tmp_path / "data.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="UTF-8"):
        read(binary)


def test_a_bad_file_stops_the_command_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAITRED_HOME", str(tmp_path / "home"))
    assert main(["--data", str(tmp_path / "absent.csv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "home").exists()


def test_the_night_belongs_to_the_day_before() -> None:
    assert visit("2017-03-25 03:00").service_day == date(2017, 3, 24)
    assert visit("2017-03-25 10:00").service_day == date(2017, 3, 25)
    assert visit("2017-03-27 02:00").week == date(2017, 3, 20)


@pytest.mark.parametrize(
    "now",
    [
        datetime.fromisoformat("2026-11-22 08:00"),
        datetime.fromisoformat("2017-03-20 19:30"),
        datetime.fromisoformat("2028-02-29 00:00"),
    ],
)
def test_visits_move_by_whole_weeks_into_the_future(now: datetime) -> None:
    before = [visit("2017-03-24 19:00"), visit("2017-03-20 20:00"), visit("2017-04-26 22:00")]

    after = moved_ahead(before, now)

    shifts = {new.visit_at - old.visit_at for old, new in zip(before, after, strict=True)}
    [shift] = shifts
    assert shift % timedelta(weeks=1) == timedelta()
    assert [new.visit_at.weekday() for new in after] == [old.visit_at.weekday() for old in before]
    assert {new.reserved_at - old.reserved_at for old, new in zip(before, after, strict=True)} == shifts
    earliest = min(new.visit_at for new in after)
    assert now <= earliest < now + timedelta(weeks=1)


def test_visits_that_lie_ahead_already_stay() -> None:
    ahead = [visit("2030-03-24 19:00")]
    assert moved_ahead(ahead, datetime.fromisoformat("2026-11-22 00:00")) == ahead


@pytest.mark.parametrize("year", [9999, 2030])
def test_years_that_nobody_can_book_are_refused(year: int) -> None:
    with pytest.raises(DataError, match="years"):
        moved_ahead(
            [visit("2017-03-24 19:00"), visit(f"{year}-03-24 19:00")],
            datetime.fromisoformat("2026-11-22 00:00"),
        )


def test_the_part_is_the_busiest_of_the_shortest_runs_of_weeks() -> None:
    weeks = {"2017-03-06": 3, "2017-03-13": 5, "2017-03-20": 1, "2017-03-27": 6, "2017-04-10": 4}
    file = [visit(f"{monday} 19:00") for monday, count in weeks.items() for _ in range(count)]

    assert busiest_part(file, 6).first_week == date(2017, 3, 27)
    part = busiest_part(file, 8)  # two weeks: 3+5, 5+1, 1+6; the empty one between is counted too
    assert (part.first_week, part.last_week, part.weeks) == (date(2017, 3, 6), date(2017, 3, 13), 2)
    assert len(part.reservations) == 8
    assert part.of == 19
    whole = busiest_part(file, 1000)
    assert len(whole.reservations) == 19
    assert whole.weeks == 6
