"""Which restaurant gets what: by flags, the same in every process, and never an error."""

import json
import logging
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from maitred.adapters.flags import (
    MAX_AGE_SECONDS,
    Document,
    KeptFlags,
    PowertoolsFlags,
    bucket,
    from_appconfig,
    packaged,
)
from maitred.planner.options import FULL, PLAIN
from maitred.services.feature_flags import FeatureFlags, Flag, Pipeline, plain_path
from tests.harness.service import Service, forget_wiring, house, party

RESTAURANTS = [f"house{number}" for number in range(2000)]


def percentage(share: int, value: str = "on", otherwise: str = "off") -> Document:
    """``value`` for ``share`` of a hundred restaurants."""
    condition = {"action": "KEY_LESS_THAN_VALUE", "key": "bucket", "value": share}
    rules = {"a share of them": {"when_match": value, "conditions": [condition]}}
    return {"assignment_pipeline": {"default": otherwise, "boolean_type": False, "rules": rules}}


class Source:
    """A document that may break or change. ``reads``: how often it was asked for."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.reads = 0
        self.time = 0.0

    def read(self) -> Document:
        self.reads += 1
        if isinstance(self.document, Exception):
            raise self.document
        recorded: Document = self.document
        return recorded

    def flags(self) -> PowertoolsFlags:
        return PowertoolsFlags(KeptFlags(self.read, packaged(), lambda: self.time))

    def later(self) -> None:
        self.time += MAX_AGE_SECONDS


def test_the_checked_in_flags_are_the_defaults() -> None:
    assert (
        Source(packaged()).flags().flags_for("harbour")
        == FeatureFlags()
        == Source({}).flags().flags_for("harbour")
    )


def test_a_percentage_is_of_restaurants_and_stays_the_same() -> None:
    few, more = Source(percentage(10)).flags(), Source(percentage(30)).flags()
    chosen = {name for name in RESTAURANTS if few.flags_for(name).pipeline is Pipeline.ON}
    assert 0.07 < len(chosen) / len(RESTAURANTS) < 0.13
    assert chosen < {name for name in RESTAURANTS if more.flags_for(name).pipeline is Pipeline.ON}
    assert {name for name in RESTAURANTS if Source(percentage(10)).flags().flags_for(name).pipeline} == set(
        RESTAURANTS
    )
    assert Counter(few.flags_for(name) for name in chosen) == {FeatureFlags(): len(chosen)}


def test_another_process_puts_a_restaurant_into_the_same_bucket() -> None:
    asked = "from maitred.adapters.flags import bucket; print(bucket('assignment_pipeline', 'harbour'))"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": "layers/shared"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == bucket(Flag.PIPELINE, "harbour") == 20


def test_each_flag_chooses_restaurants_of_its_own() -> None:
    same = sum(bucket(Flag.PIPELINE, name) == bucket(Flag.RETRIES, name) for name in RESTAURANTS)
    assert same < len(RESTAURANTS) / 20


def test_the_kill_switch_beats_everything() -> None:
    document = percentage(100) | {
        "kill_switch": {"default": True},
        "retry_policy": packaged()["retry_policy"],
    }
    decided = Source(document).flags().flags_for("harbour")
    assert decided == plain_path()
    assert (decided.options, decided.informed) == (PLAIN, False)


def test_one_restaurant_can_be_named() -> None:
    condition = {"action": "IN", "key": "restaurant", "value": ["harbour"]}
    document = {
        "planner_cache": {"default": True, "rules": {"no": {"when_match": False, "conditions": [condition]}}},
        "retry_policy": {"default": "standard", "boolean_type": False},
        "assignment_pipeline": {"default": "shadow", "boolean_type": False},
    }
    flags = Source(document).flags()
    assert flags.flags_for("harbour") == FeatureFlags(Pipeline.SHADOW, informed=False, keeps_floors=False)
    assert flags.flags_for("other") == FeatureFlags(Pipeline.SHADOW, informed=False)
    assert (flags.flags_for("other").options, FeatureFlags().options) == (PLAIN, FULL)


def test_flags_are_read_once_a_minute() -> None:
    source = Source(percentage(100))
    flags = source.flags()
    for name in RESTAURANTS:
        flags.flags_for(name)
    assert source.reads == 1
    source.document = percentage(0)
    assert flags.flags_for("harbour").pipeline is Pipeline.ON
    source.later()
    assert flags.flags_for("harbour").pipeline is Pipeline.OFF
    assert source.reads == 2


@pytest.mark.parametrize(
    "unusable",
    [
        OSError("away"),
        None,
        [],
        "on",
        {"assignment_pipeline": {"default": "onn", "boolean_type": False}},
        {"assignment_pipeline": {"default": "on"}},
        {"assignment_pipeline": "on"},
        {"kill_switch": {"default": "yes", "boolean_type": False}},
        {"planner_cache": {"default": False, "rules": {"broken": {"when_match": True}}}},
    ],
    ids=repr,
)
def test_what_cannot_be_read_leaves_the_last_known(unusable: Any, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(unusable)
    flags = source.flags()
    with caplog.at_level(logging.WARNING):
        assert flags.flags_for("harbour") == FeatureFlags()  # nothing was ever known: the package's
    assert "the last known ones stay in force" in caplog.text
    source.document = percentage(100, "shadow")
    source.later()
    assert flags.flags_for("harbour").pipeline is Pipeline.SHADOW
    source.document = unusable
    source.later()
    assert flags.flags_for("harbour").pipeline is Pipeline.SHADOW
    assert flags.flags_for("elsewhere").pipeline is Pipeline.SHADOW
    assert source.reads == 3  # an outage costs one reading a minute, not one a request


class AppConfigData(BaseHTTPRequestHandler):
    """The data plane of AppConfig: a session, then its configuration."""

    document = b""
    status = 200

    def do_POST(self) -> None:
        self._answer(201, b'{"InitialConfigurationToken": "first"}')

    def do_GET(self) -> None:
        self._answer(self.status, self.document)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "Next-Poll-Configuration-Token": "next",
            "Next-Poll-Interval-In-Seconds": "60",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Not among the tests' output."""


@pytest.fixture
def appconfig(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[AppConfigData]]:
    with HTTPServer(("127.0.0.1", 0), AppConfigData) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_APPCONFIGDATA", f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        AppConfigData.status = 200
        yield AppConfigData
        server.shutdown()
        thread.join()


def test_appconfig_is_read_and_may_be_away(appconfig: type[AppConfigData]) -> None:
    appconfig.document = json.dumps(percentage(100, "shadow")).encode()
    now = [0.0]
    flags = PowertoolsFlags(KeptFlags(from_appconfig("app", "prod", "flags"), packaged(), lambda: now[0]))
    assert flags.flags_for("harbour").pipeline is Pipeline.SHADOW
    appconfig.status, now[0] = 503, 60.0
    assert flags.flags_for("harbour").pipeline is Pipeline.SHADOW
    appconfig.status, appconfig.document, now[0] = 200, json.dumps(percentage(100, "off")).encode(), 120.0
    assert flags.flags_for("harbour").pipeline is Pipeline.OFF


def test_without_its_cache_a_floor_is_compiled_for_each_attempt(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.put_restaurant("harbour", house(4, 4, 4, 4)).status == 201
    for cache, hits in (("on", [False, True]), ("off", [False, False])):
        monkeypatch.setenv("PLANNER_CACHE", cache)
        forget_wiring()
        before = len(service.events("auto_assign.quote"))
        assert [service.book("harbour", party(2)).status for _ in range(2)] == [201, 201]
        assert [event["cacheHit"] for event in service.events("auto_assign.quote")[before:]] == hits


def test_functions_ask_the_flags_where_the_stage_leaves_it_to_them(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASSIGNMENT_PIPELINE", "RETRY_POLICY", "PLANNER_CACHE"):
        monkeypatch.setenv(name, "flag")
    forget_wiring()
    assert service.put_restaurant("harbour", house(4)).status == 201
    assert service.book("harbour", party(4)).json["assignment"]["outcome"] == "confirmed"
    assert service.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"
    service.work()
    [summary] = [event for event in service.events("auto_assign.summary") if event["flow"] == "job"]
    assert (summary["result"], summary["reducedBy"]) == ("manual_review", "fresh_inline_result")


@pytest.mark.parametrize(("policy", "attempts"), [("standard", 4), ("informed", 1)])
def test_the_retry_policy_is_the_restaurants(
    service: Service, monkeypatch: pytest.MonkeyPatch, policy: str, attempts: int
) -> None:
    monkeypatch.setenv("RETRY_POLICY", policy)
    forget_wiring()
    assert service.put_restaurant("harbour", house(4)).status == 201
    for _ in range(2):
        assert service.book("harbour", party(4)).status == 201
    service.deliver("assign", *[message["Body"] for message in service.messages("assign")])
    [summary] = [event for event in service.events("auto_assign.summary") if event["flow"] == "job"]
    assert summary["maxAttempts"] == attempts
