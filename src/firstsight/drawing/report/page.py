"""The report as one HTML page: nothing outside it is needed to read it, and no script runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from firstsight.drawing.report import bars, chart, reliability, shots, telling_apart, wording
from firstsight.drawing.report.contents import Report, Scored
from firstsight.drawing.report.thumbnails import Thumbnails
from firstsight.evaluation.looking import Confusion, Lookalikes, Mistake
from firstsight.evaluation.protocols import PROTOCOLS
from firstsight.evaluation.references import references_for
from firstsight.evaluation.scorecard import Scorecard

__all__ = ["page"]

MOST_CONFUSIONS, MOST_WORST, EXAMPLES = 10, 18, 3
BAR_STYLES = telling_apart.STYLES


def page(report: Report) -> str:
    """The whole page. Names in it, of classes above all, are escaped: they are file names."""
    template = Environment(
        loader=PackageLoader("firstsight.drawing.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("template.html")
    style = resources.files("firstsight.drawing.report").joinpath("style.css").read_text("utf-8")
    text: str = template.render(style=Markup(style), **_View(report).parts())
    return text


@dataclass(frozen=True)
class _Row:
    """One line of a card's table: whose figure, in percent, and its bar."""

    who: str
    figure: str
    interval: str = ""
    bar: Markup | None = None
    is_model: bool = False


@dataclass(frozen=True, eq=False)
class _View:
    """What the template asks for, worked out from the report."""

    report: Report

    def parts(self) -> dict[str, Any]:
        report, shown = self.report, self.report.shown
        return {
            "report": report,
            "model": report.model,
            "card": report.card,
            "names": self.names,
            "thumb": self.thumbnails.uri,
            "summary": [wording.in_words(rows[0][1]) for rows in self._in_order],
            "cards": [
                self._card(protocol, report.results[protocol]) for protocol in report.results
            ],
            "provenance": _provenance,
            "plots": self._plots(),
            "rates": _rates(report.card) if shown.sides else [],
            "curve": shown.curve,
            "confusions": [self._confusion(each) for each in self.confusions],
            "n_confusions": len(shown.around.confusions()),
            "worst": [self._mistake(each) for each in shown.around.mistakes()[:MOST_WORST]],
            "around": shown.around,
            "strips": [self._strip(each) for each in shown.lookalikes],
            "atlas": shown.atlas,
            "atlas_classes": [
                (chart.class_key(place), self.names[number])
                for place, number in enumerate(shown.atlas.classes)
            ],
            "percent": wording.percent,
            "between": wording.between,
        }

    @cached_property
    def thumbnails(self) -> Thumbnails:
        return Thumbnails(self.report.pictures.pixels)

    @cached_property
    def names(self) -> list[str]:
        """Of each class, with its group where there are several: their classes share names."""
        pictures = self.report.pictures
        if len(pictures.group_names) < 2:
            return list(pictures.class_names)
        return [
            name
            if name.startswith(f"{pictures.group_names[group]}/")
            else f"{pictures.group_names[group]} · {name}"
            for group, name in zip(pictures.class_groups, pictures.class_names, strict=True)
        ]

    @cached_property
    def confusions(self) -> list[Confusion]:
        return self.report.shown.around.confusions()[:MOST_CONFUSIONS]

    @property
    def _in_order(self) -> list[Sequence[Scored]]:
        """Verification is asked for least often by name, and told last."""
        results = self.report.results
        others = [rows for protocol, rows in results.items() if protocol != "verification"]
        pairs = [results["verification"]] if "verification" in results else []
        return [*others[:1], *pairs]

    def _name(self, row: int) -> str:
        return self.names[int(self.report.pictures.labels[row])]

    def _plots(self) -> dict[str, Markup]:
        shown = self.report.shown
        atlas = shown.atlas
        labels = self.report.pictures.labels[atlas.rows].tolist()
        plots = {
            "map": chart.map_plot(
                atlas,
                labels,
                [self.names[number] for number in atlas.classes],
                [self.thumbnails.uri(int(row)) for row in atlas.rows],
            ),
        }
        if shown.sides:
            areas = {who: card.details["auc"] for who, card in self.report.results["verification"]}
            ours = next(iter(shown.sides.values()))
            plots["roc"] = telling_apart.roc_plot(shown.sides, areas)
            plots["det"] = telling_apart.det_plot(shown.sides)
            plots["distances"] = telling_apart.distance_plot(ours, shown.thresholds)
        if shown.reliability:
            plots["reliability"] = reliability.reliability_plot(shown.reliability)
        if shown.curve:
            plots["shots"] = shots.shots_plot(shown.curve)
        return plots

    def _card(self, protocol: str, rows: Sequence[Scored]) -> dict[str, Any]:
        ours = rows[0][1]
        return {
            "protocol": protocol,
            "about": PROTOCOLS.get(protocol, ""),
            "measure": ours.measure.replace("_", " "),
            "figure": f"{100 * ours.value:.2f}",
            "between": wording.between(ours.interval),
            "rows": [
                _Row(
                    who,
                    f"{100 * one.value:.2f}",
                    wording.between(one.interval),
                    bars.share_bar(one.value, one.interval, style),
                    is_model=place == 0,
                )
                for place, ((who, one), style) in enumerate(zip(rows, BAR_STYLES, strict=False))
            ],
            "references": [
                _Row(
                    f"{each.method} ({each.source})" + (" (m)" if each.from_memory else ""),
                    f"{each.error_percent:.1f}",
                )
                for each in references_for(protocol)
            ],
            "card": ours,
        }

    def _mistake(self, mistake: Mistake) -> dict[str, Any]:
        return {
            "query": (mistake.query, self._name(mistake.query)),
            "taken_for": (mistake.taken_for, self._name(mistake.taken_for)),
            "right": (mistake.right, self._name(mistake.right)),
            "distance": f"{mistake.distance:.3f}",
            "right_distance": f"{mistake.right_distance:.3f}",
        }

    def _confusion(self, confusion: Confusion) -> dict[str, Any]:
        """Examples of each side: the mistaken queries and what they were taken for, then others."""
        labels = self.report.pictures.labels
        seen = [row for each in confusion.mistakes for row in (each.query, each.taken_for)]
        sides = []
        for number in confusion.classes:
            mistaken = [row for row in seen if labels[row] == number]
            others = (labels == number).nonzero()[0].tolist()
            rows = list(dict.fromkeys([*mistaken, *others]))[:EXAMPLES]
            sides.append({"name": self.names[number], "rows": rows})
        return {
            "sides": sides,
            "count": confusion.count,
            "n_queries": confusion.n_queries,
            "percent": f"{100 * confusion.share:.0f} %",
        }

    def _strip(self, one: Lookalikes) -> dict[str, Any]:
        found = zip(one.rows, one.distances, one.right, strict=True)
        return {
            "query": (one.query, self._name(one.query)),
            "found": [
                {"row": row, "name": self._name(row), "distance": f"{distance:.3f}", "right": right}
                for row, distance, right in found
            ],
        }


def _rates(card: Scorecard) -> list[tuple[str, str]]:
    details = card.details
    return [
        ("area under the ROC curve", f"{details['auc']:.4f}"),
        ("equal error rate", wording.percent(details["equal_error_rate"])),
        ("same pairs accepted at 1 % false accepts", wording.percent(details["true_accept_1"])),
        ("same pairs accepted at 10 % false accepts", wording.percent(details["true_accept_10"])),
    ]


def _provenance(card: Scorecard, what: str | None = None) -> list[tuple[str, str, str]]:
    """(term, short value, whole value) of what makes a figure repeatable."""
    model = card.model_fingerprint or "none"
    return [
        ("protocol", what or card.protocol, what or card.protocol),
        ("seed", "none drawn" if card.seed is None else str(card.seed), ""),
        ("data", f"{card.data_name} {card.data_fingerprint[:8]}", card.data_fingerprint),
        ("model", model[:8], model),
        ("commit", card.commit or f"release {card.version}", ""),
        ("on", card.hardware, ""),
    ]
