"""An engine that raises: one call for one free operator from then on, said aloud, ledger kept."""

from __future__ import annotations

from uuid import uuid4

import pytest
import structlog

from dialer.board import ENGINE_FAILED, Campaign
from dialer.calls import Lead
from dialer.pacing import Floor, PredictivePacer
from monitoring import metrics
from monitoring.metrics import CampaignNow

NOW = 1_790_000_000.0
FLOOR = Floor(NOW, 3, (5.0,), (), (), 0, 50)


class Broken(PredictivePacer):
    """Decides once."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 1

    def risk_level(self, now: float) -> float:
        self.left -= 1
        return 0.0 if self.left >= 0 else 1 / self.left.imag


class BrokenOdds:
    def arrange(self, *given: object) -> None:
        raise RuntimeError("no order")


def a_campaign(engine: PredictivePacer) -> Campaign:
    return Campaign(
        id=1, name="c", mode="predictive", language="ru", caller_ids=(), trunks=(),
        ring_timeout_s=25, post_dial_delay_s=10, wrap_up_limit_s=60, recording=False,
        max_approaches=4, max_abandon_rate=0.03, engine=engine,
    )  # fmt: skip


def test_it_goes_on_one_to_one_and_says_so() -> None:
    campaign = a_campaign(Broken())
    campaign.teach(lambda pacer: pacer.attempt_ended(NOW, 8.0, True))
    assert ENGINE_FAILED.en not in campaign.decide(FLOOR, [], NOW).reason.en
    later = Floor(NOW + 1.0, 3, (6.0,), (), (), 0, 50)
    with structlog.testing.capture_logs() as said:
        decision = campaign.decide(later, [], NOW + 1.0)
    assert decision.calls == 3
    assert ENGINE_FAILED.en in decision.reason.en and ENGINE_FAILED.ru in decision.reason.ru
    assert [line["event"] for line in said] == ["pacer_failed"]
    assert campaign.failed


def test_the_ledger_is_kept_when_the_engine_is_gone() -> None:
    campaign = a_campaign(Broken())
    for second in range(3):
        campaign.decide(Floor(NOW + second, 3, (5.0,), (), (), 0, 50), [], NOW + second)
    campaign.teach(lambda pacer: pacer.attempt_ended(NOW + 5.0, 8.0, True))
    campaign.teach(lambda pacer: pacer.abandoned(NOW + 6.0))
    assert campaign.engine.ledger.totals(NOW + 6.0) == (1, 1)


def test_choosing_leads_that_fails_does_not_stop_dialing(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_campaign(PredictivePacer())
    campaign.buffer.append(Lead(1, 1, "+79161234567", 0, 0, 4))
    monkeypatch.setattr(campaign, "odds", BrokenOdds())
    ringing = Floor(NOW, 3, (5.0,), (), (1.0,), 0, 50)
    assert campaign.decide(ringing, [uuid4()], NOW).calls == 2
    assert campaign.failed
    assert len(campaign.buffer) == 1


@pytest.mark.parametrize("mode", ["predictive", "progressive"])
def test_what_cannot_be_is_counted_in_metrics_and_dialing_goes_on(mode: str) -> None:
    campaign = a_campaign(PredictivePacer())
    campaign.set_mode(mode)

    def counted() -> float:
        now = CampaignNow(campaign.name, mode, 0, 0, 0.03, campaign.engine.odd_inputs)
        list(metrics.campaigns_now([now]))
        return metrics.value("prozvon_pacing_odd_events", campaign=campaign.name)

    before = counted()
    campaign.teach(lambda pacer: pacer.talk_ended(NOW, 20.0))
    campaign.teach(lambda pacer: pacer.talk_ended(NOW - 60.0, 20.0))  # time going backwards
    campaign.teach(lambda pacer: pacer.wrap_ended(NOW, 30 * 86_400.0))  # a month
    for _ in range(3):
        assert campaign.decide(FLOOR, [], NOW).calls == 3
    assert counted() == before + 2
    assert not campaign.failed
