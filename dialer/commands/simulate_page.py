"""The picture of a simulation: one HTML page with everything in it, no script, no network. PURE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from dialer.whatif import Estimate, Outlook

WORDS = {
    "en": {
        "title": "What would it give",
        "cap": "cap on abandoned people",
        "per_hour": "Conversations per operator hour",
        "wait": "Wait between conversations, s",
        "abandoned": "Abandoned, % of those who answered",
        "lines": "Lines needed",
        "days": "Days to the end of the list",
        "operators": "operators",
        "progressive": "progressive",
        "predictive": "predictive",
        "bars": "Whiskers: 95 % confidence interval of the mean.",
    },
    "ru": {
        "title": "Что это даст",
        "cap": "предел брошенных вызовов",
        "per_hour": "Разговоров на час оператора",
        "wait": "Ожидание между разговорами, с",
        "abandoned": "Брошенные, % ответивших",
        "lines": "Нужно линий",
        "days": "Дней до конца базы",
        "operators": "операторов",
        "progressive": "прогрессивный",
        "predictive": "предиктивный",
        "bars": "Усы: 95 % доверительный интервал среднего.",
    },
}
COLOURS = {"progressive": "#8a94a6", "predictive": "#1f6feb"}
WIDTH, HEIGHT, FOOT, HEAD = 440, 246, 58, 12
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1b1f24;background:#fff}"
    "section{display:inline-block;margin:0 1.5rem 1.5rem 0}h2{font-size:1rem;margin:.2rem 0}"
    "i{display:inline-block;width:.8em;height:.8em;margin:0 .4em 0 1em}"
    "text{font-size:12px;fill:#1b1f24}"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}text{fill:#e6edf3}}"
)

Figure = Callable[[Outlook], Estimate | None]


def page(
    name: str, cap: float, found: Sequence[Outlook], language: str, *, really: str = ""
) -> str:
    """A whole HTML document in `language` (en or ru); `really`: what a past day was, in words."""
    words = WORDS[language]
    modes = list(dict.fromkeys(outlook.mode for outlook in found))
    legend = "".join(f'<i style="background:{COLOURS[m]}"></i>{words[m]}' for m in modes)
    charts = "".join(
        f"<section><h2>{words[key]}</h2>{_chart(found, figure, words)}</section>"
        for key, figure in FIGURES
        if any(figure(outlook) is not None for outlook in found)
    )
    told = f"<p>{escape(really)}</p>" if really else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(name)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{words['title']}: {escape(name)}</h1>"
        f"<p>{words['cap']}: {100 * cap:g} %{legend}</p>{told}{charts}"
        f"<p>{words['bars']}</p></body></html>\n"
    )


def _scaled(found: Estimate, scale: float) -> Estimate:
    half = None if found.half_width is None else scale * found.half_width
    return Estimate(scale * found.mean, half)


FIGURES: tuple[tuple[str, Figure], ...] = (
    ("per_hour", lambda o: o.conversations_per_operator_hour),
    ("wait", lambda o: o.wait_s),
    ("abandoned", lambda o: _scaled(o.abandoned, 100.0)),
    ("lines", lambda o: Estimate(float(o.lines_needed))),
    ("days", lambda o: o.days_to_finish),
)


def _chart(found: Sequence[Outlook], figure: Figure, words: dict[str, str]) -> str:
    """Bars by number of operators, one for each mode."""
    values = [(outlook, figure(outlook)) for outlook in found]
    highest = max((e.mean + (e.half_width or 0.0) for _, e in values if e), default=0.0) or 1.0
    sizes = list(dict.fromkeys(outlook.operators for outlook in found))
    modes = list(dict.fromkeys(outlook.mode for outlook in found))
    group = WIDTH / len(sizes)
    width = min(60.0, 0.7 * group / len(modes))
    parts = []
    for outlook, value in values:
        if value is not None:
            middle = group * (sizes.index(outlook.operators) + 0.5)
            x = middle + width * (modes.index(outlook.mode) - len(modes) / 2)
            parts.append(_bar(x, width, value, highest, COLOURS[outlook.mode]))
    for place, size in enumerate(sizes):
        x, y = group * (place + 0.5), HEIGHT - FOOT + 36
        parts.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{size}</text>')
    parts.append(
        f'<path d="M0 {HEIGHT - FOOT}H{WIDTH}" stroke="#8a94a6"/><text x="{WIDTH / 2}" '
        f'y="{HEIGHT - 4}" text-anchor="middle">{words["operators"]}</text>'
    )
    label = f"{words['operators']}: {', '.join(map(str, sizes))}"
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _short(value: float) -> str:
    """Three digits: the interval is wider than a fourth."""
    return f"{value:.3g}" if abs(value) < 1000.0 else f"{value:.0f}"


def _bar(x: float, width: float, value: Estimate, highest: float, colour: str) -> str:
    room = HEIGHT - FOOT - HEAD
    top = HEAD + room * (1.0 - max(0.0, value.mean) / highest)
    foot = HEIGHT - FOOT
    middle = x + width / 2
    bar = (
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width - 4:.1f}" height="{foot - top:.1f}" '
        f'fill="{colour}"/><text x="{middle - 2:.1f}" y="{foot + 16}" '
        f'text-anchor="middle">{_short(value.mean)}</text>'
    )
    if value.half_width is None:
        return bar
    reach = room * value.half_width / highest
    low, high = min(foot, top + reach), max(HEAD, top - reach)
    return bar + (
        f'<path d="M{middle - 2:.1f} {low:.1f}V{high:.1f}" stroke="#e5534b" stroke-width="2"/>'
    )
