"""What the page makes of the functions' logs: each figure counted by hand."""

import json
from pathlib import Path

from localstack.page.metrics import KEPT_SECONDS, MOST_POINTS, Key, Metrics, Point

NOW = 1_800_000_000.0


def line(name: str, value: object, *, ago: float = 0, **dimensions: str) -> bytes:
    """A line of a log as a function writes it."""
    document = {
        "_aws": {
            "Timestamp": int((NOW - ago) * 1000),
            "CloudWatchMetrics": [
                {"Namespace": "Maitred", "Dimensions": [list(dimensions)], "Metrics": [{"Name": name}]}
            ],
        },
        **dimensions,
        name: value,
    }
    return json.dumps(document).encode() + b"\n"


def metrics(folder: Path, *lines: bytes) -> Metrics:
    (folder / "F.log").write_bytes(b"".join(lines))
    read = Metrics(folder, lambda: NOW)
    read.refresh()
    return read


def test_each_statistic(tmp_path: Path) -> None:
    read = metrics(
        tmp_path, line("M", [3, 1], service="a"), line("M", 5, service="a"), line("M", [2, 4], service="a")
    )
    assert read.figures(900) == [
        {
            "name": "M",
            "dimensions": {"service": "a"},
            "count": 5,
            "sum": 15.0,
            "p50": 3.0,
            "p95": 5.0,
            "max": 5.0,
            "truncated": False,
        }
    ]


def test_only_values_of_the_time_and_of_the_very_metric_are_counted(tmp_path: Path) -> None:
    read = metrics(
        tmp_path,
        line("M", 1, service="a"),
        line("M", 2, ago=60, service="a"),
        line("M", 4, ago=61, service="a"),
        line("M", 100, service="b"),
        line("M", 100, service="a", flow="job"),
        line("Other", 100, service="a"),
        line("M", 100, ago=901, service="a"),
        line("Old", 100, ago=901, service="a"),
    )
    found = [(each["name"], each["dimensions"], each["sum"]) for each in read.figures(900)]
    assert found == [
        ("M", {"flow": "job", "service": "a"}, 100.0),
        ("M", {"service": "a"}, 7.0),
        ("M", {"service": "b"}, 100.0),
        ("Other", {"service": "a"}, 100.0),
    ]


def test_logs_are_read_once_and_line_by_line(tmp_path: Path) -> None:
    key = Key("M", (("service", "a"),))
    log = tmp_path / "F.log"
    read = metrics(
        tmp_path,
        line("M", 1, service="a"),
        b"not json\n",
        b'{"CloudWatchMetrics": 1}\n',
        b'"CloudWatchMetrics"\n',
    )
    next_line = line("M", 2, service="a")
    with log.open("ab") as more:
        more.write(next_line[:40])
    read.refresh()
    assert [point.value for point in read.points(key)] == [1.0]
    with log.open("ab") as more:
        more.write(next_line[40:])
    read.refresh()
    read.refresh()
    assert [point.value for point in read.points(key)] == [1.0, 2.0]
    log.write_bytes(line("M", 3, service="a"))  # begun anew, and shorter
    read.refresh()
    assert read.points(key)[-1] == Point(NOW, 3.0)


def test_old_values_and_too_many_are_forgotten(tmp_path: Path) -> None:
    old = metrics(tmp_path, line("M", 1, ago=KEPT_SECONDS + 1, service="a"))
    assert old.figures(KEPT_SECONDS * 2) == []
    many = metrics(tmp_path, line("M", list(range(MOST_POINTS + 5)), service="a"))
    (figure,) = many.figures(900)
    assert (figure["count"], figure["truncated"]) == (MOST_POINTS, True)
