"""The floor in virtual time: honest books, the same luck for every pacer, breaks and lines kept."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dialer.pacing import Floor, PredictivePacer, ProgressivePacer
from dialer.pacing_sim import (
    LogNormal,
    Mix,
    Scenario,
    Simulation,
    Times,
    Uniform,
    simulate,
)

SMALL = Scenario(
    "small",
    4,
    chance=((0.0, 0.3),),
    answer_s=Uniform(4.0, 16.0),
    failure_s=Mix(((0.3, Uniform(2.0, 6.0)), (0.7, Uniform(25.0, 30.0)))),
    talk_s=LogNormal(60.0, 0.7),
    wrap_s=LogNormal(15.0, 0.5),
    hours=1.5,
)


def test_the_same_seed_gives_the_same_shift() -> None:
    assert simulate(SMALL, PredictivePacer(), 3) == simulate(SMALL, PredictivePacer(), 3)
    assert simulate(SMALL, PredictivePacer(), 3) != simulate(SMALL, PredictivePacer(), 4)


def test_progressive_abandons_nobody_and_predictive_talks_more() -> None:
    plain = simulate(SMALL, ProgressivePacer(), 0)
    ahead = simulate(SMALL, PredictivePacer(), 0)
    assert plain.abandoned == 0
    assert plain.conversations == plain.answered
    assert ahead.utilisation > 1.15 * plain.utilisation
    assert ahead.wait_s < plain.wait_s


def test_an_hour_of_each_operator_is_signed_in() -> None:
    shift = simulate(SMALL, ProgressivePacer(), 0)
    assert shift.signed_in_s == pytest.approx(4 * 1.5 * 3600.0)
    assert 0.0 < shift.busy_s < shift.signed_in_s


def test_a_break_takes_its_time_off_the_shift() -> None:
    away = replace(SMALL, away=((0, 0.0, 1800.0), (1, 3600.0, 9000.0)))
    shift = simulate(away, ProgressivePacer(), 0)
    assert shift.signed_in_s == pytest.approx(4 * 5400.0 - 1800.0 - 1800.0, abs=600.0)


def test_lines_are_never_exceeded() -> None:
    shift = simulate(replace(SMALL, lines=5), PredictivePacer(), 0)
    assert shift.most_lines <= 5


def test_a_pacer_that_asks_for_too_much_abandons_people() -> None:
    class Greedy(ProgressivePacer):
        def decide(self, floor: Floor) -> int:
            return floor.lines

    shift = simulate(replace(SMALL, hours=0.3), Greedy(), 0)
    assert shift.abandon_rate > 0.3


def test_the_chance_follows_the_hour() -> None:
    swing = replace(SMALL, chance=((0.0, 0.5), (3600.0, 0.1)))
    assert [swing.chance_at(t) for t in (0.0, 3599.0, 3600.0)] == [0.5, 0.5, 0.1]


def test_measured_times_are_drawn_near_themselves() -> None:
    times = Times((10.0, 40.0))
    luck = random.Random(1)
    drawn = [times(luck) for _ in range(50)]
    assert all(9.5 <= s <= 10.5 or 38.0 <= s <= 42.0 for s in drawn)


def test_telling_the_odds_of_leads_helps_and_keeps_the_cap() -> None:
    odds = Mix(((0.5, Uniform(0.1, 0.2)), (0.5, Uniform(5.0, 7.0))))
    told = replace(SMALL, hours=4.0, lead_odds=odds, tell_odds=True)
    plain = simulate(replace(told, tell_odds=False), PredictivePacer(), 0)
    better = simulate(told, PredictivePacer(), 0)
    assert better.utilisation > plain.utilisation
    assert better.abandon_rate <= 0.03


def test_progress_is_yielded_to_the_end() -> None:
    simulation = Simulation(replace(SMALL, hours=0.1), ProgressivePacer(), 0)
    steps = list(simulation.run())
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(360.0)
