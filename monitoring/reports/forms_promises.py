"""PURE. The tables of reports about callbacks and plans."""

from __future__ import annotations

from campaigns.refusals import Sentence
from monitoring.reports.columns import column
from monitoring.reports.sheet import Form

CALLBACKS = (
    column(
        "promised",
        "count",
        ("promised", "обещано"),
        (
            "Callbacks promised for a time in the period, without the canceled ones",
            "Перезвоны, обещанные на время внутри периода, без отменённых",
        ),
    ),
    column(
        "kept",
        "count",
        ("kept", "вовремя"),
        (
            "Dialed no later than the callback's own grace after the promised time",
            "Набраны не позже отсрочки перезвона после обещанного времени",
        ),
        "more",
    ),
    column("late", "count", ("late", "с опозданием"), ("Dialed later", "Набраны позже"), "less"),
    column(
        "missed",
        "count",
        ("missed", "пропущены"),
        (
            "Not dialed, though the time and the grace are over",
            "Не набраны, хотя время и отсрочка прошли",
        ),
        "less",
    ),
    column(
        "waiting", "count", ("waiting", "ждут"), ("Their time is not over", "Их время не прошло")
    ),
    column(
        "kept_share",
        "share",
        ("kept, share", "доля вовремя"),
        ("Kept of kept, late and missed", "Вовремя из набранных и пропущенных"),
        "more",
    ),
    column(
        "reached",
        "count",
        ("conversations", "разговоры"),
        ("Promised ones that came to a conversation", "Обещанные, по которым был разговор"),
        "more",
    ),
    column(
        "late_median_s",
        "duration",
        ("delay, median", "задержка, медиана"),
        (
            "From the promised time to the first dial, median of those dialed",
            "От обещанного времени до первого набора, медиана по набранным",
        ),
        "less",
    ),
    column(
        "canceled",
        "count",
        ("canceled", "отменены"),
        ("Taken back, or replaced by a newer one", "Сняты или заменены новыми"),
    ),
)

PLAN_MEASURE = column(
    "measure", "text", ("measure", "показатель"), ("What is counted", "Что считается")
)
PLAN = Form(
    "plan",
    Sentence("Plan and fact", "План и факт"),
    (
        column(
            "plan",
            "number",
            ("plan", "план"),
            (
                "The plan of a day times its working days in the period, the last one whole",
                "План на день, умноженный на рабочие дни периода; последний день целиком",
            ),
        ),
        column(
            "fact",
            "number",
            ("fact", "факт"),
            ("What was done in the period", "Сделано за период"),
            "more",
        ),
        column("done", "share", ("done", "выполнено"), ("Fact of plan", "Факт от плана"), "more"),
        column("left", "number", ("left", "осталось"), ("To the plan", "До плана"), "less"),
        column(
            "checkpoint_plan",
            "number",
            ("plan at the checkpoint", "план к контрольному часу"),
            (
                "What should be done by the plan's own hour of the period's last day",
                "Сколько должно быть сделано к контрольному часу последнего дня периода",
            ),
        ),
        column(
            "checkpoint_fact",
            "number",
            ("fact at the checkpoint", "факт к контрольному часу"),
            ("What was done on that day by then", "Сколько сделано в этот день к этому часу"),
            "more",
        ),
        column(
            "on_time",
            "flag",
            ("in time", "успевали"),
            ("Whether it was enough", "Достаточно ли было сделано"),
        ),
    ),
    names=0,
)
