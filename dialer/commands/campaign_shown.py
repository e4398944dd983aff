"""How a campaign stands, for people: the rows of `campaign status` and `campaign watch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.campaign.model import STATUS_WORDS, CampaignState, GoalProgress
from campaigns.campaign.service import ANY_TRUNK
from campaigns.refusals import Sentence
from dialer.commands.common import say, speech, table, word

MODE_WORDS: Mapping[str, Sentence] = {
    "manual": Sentence("manual", "ручной набор"),
    "preview": Sentence("preview", "с просмотром карточки"),
    "progressive": Sentence("progressive", "прогрессивный"),
    "predictive": Sentence("predictive", "предиктивный"),
    "broadcast": Sentence("broadcast", "рассылка"),
}
LEAD_WORDS: Mapping[str, Sentence] = {
    "new": Sentence("new", "новых"),
    "claimed": Sentence("claimed", "взято в набор"),
    "dialing": Sentence("dialing", "набирается"),
    "retry": Sentence("retry", "на повтор"),
    "done": Sentence("done", "готово"),
}
OUTCOME_WORDS: Mapping[str, Sentence] = {
    "answered": Sentence("answered", "ответили"),
    "no_answer": Sentence("no_answer", "не ответили"),
    "busy": Sentence("busy", "занято"),
    "invalid": Sentence("invalid", "нет номера"),
    "rejected": Sentence("rejected", "отклонили"),
    "congestion": Sentence("congestion", "перегрузка"),
    "machine": Sentence("machine", "автоответчик"),
    "abandoned": Sentence("abandoned", "брошены"),
    "failed": Sentence("failed", "сбой"),
    "unknown": Sentence("unknown", "неизвестно"),
}
REASON_WORDS: Mapping[str, Sentence] = {
    "by_hand": Sentence("by_hand", "вручную"),
    "schedule": Sentence("schedule", "по расписанию"),
    "goal_conversations": Sentence("goal_conversations", "достигнута цель разговоров"),
    "goal_decision_makers": Sentence("goal_decision_makers", "достигнута цель разговоров с ЛПР"),
    "goal_date": Sentence("goal_date", "наступила дата окончания"),
    "goal_list_end": Sentence("goal_list_end", "база закончилась"),
}
GOAL_WORDS: Mapping[str, Sentence] = {
    "conversations": Sentence("conversations", "разговоров"),
    "decision_makers": Sentence("decision makers", "разговоров с ЛПР"),
}


def shown(state: CampaignState) -> list[Any]:
    """A table with everything that is known of how it stands."""
    leads = _counted(state.leads, LEAD_WORDS)
    outcomes = _counted(state.outcomes, OUTCOME_WORDS)
    since, reason = f"{state.since:%Y-%m-%d %H:%M:%S} UTC", word(REASON_WORDS, state.reason)
    rows = [
        (say("since", "с"), f"{since}, {say('by', 'кто:')} {state.by}, {reason}"),
        (say("lists", "базы"), ", ".join(state.lists)),
        (say("leads", "лиды"), leads or say("none", "нет")),
        (
            say("attempts", "наборы"),
            say(
                f"{state.attempts}, of these {state.in_progress} in progress",
                f"{state.attempts}, из них идут {state.in_progress}",
            ),
        ),
        (say("outcomes", "исходы"), outcomes or say("none", "нет")),
        (say("conversations", "разговоры"), str(state.conversations)),
        *[(say("goal", "цель"), _goal(goal)) for goal in state.goals],
        (say("last decision", "последнее решение"), _decided(state)),
    ]
    return [table((_title(state), ""), rows)]


def _title(state: CampaignState) -> str:
    status, mode = word(STATUS_WORDS, state.status), word(MODE_WORDS, state.mode)
    trunk = state.trunk
    if trunk == ANY_TRUNK:
        trunk = say(ANY_TRUNK, "любой")
    return f"{state.name}: {status} ({mode}, {say('trunk', 'транк')} {trunk})"


def _goal(goal: GoalProgress) -> str:
    if goal.done is None or not isinstance(goal.wanted, int):
        return say(f"until {goal.wanted} is over", f"до конца {goal.wanted}")
    share, what = 100 * goal.done / goal.wanted, word(GOAL_WORDS, goal.goal)
    return say(
        f"{goal.done} of {goal.wanted} {what.replace('_', ' ')} ({share:.0f} %)",
        f"{what}: {goal.done} из {goal.wanted} ({share:.0f} %)",
    )


def _decided(state: CampaignState) -> str:
    decision = state.last_decision
    if decision is None:
        return say("none yet", "пока не было")
    told = Sentence(decision.reason, decision.reason_ru).to(speech.language)
    return f"{decision.placed}: {told} ({decision.at:%Y-%m-%d %H:%M:%S} UTC)"


def _counted(counts: Mapping[str, int], words: Mapping[str, Sentence]) -> str:
    return ", ".join(
        say(f"{count} {name}", f"{word(words, name)} {count}")
        for name, count in counts.items()
        if count
    )
