"""One measured figure, and the table of all of them."""

from dataclasses import dataclass


@dataclass
class Figure:
    """`value` stays out when it could not be measured; `note` says why, or what else was seen."""

    what: str
    value: float | None
    limit: float | None
    unit: str
    note: str = ""
    at_least: bool = False

    def is_met(self):
        if self.value is None or self.limit is None:
            return "–"
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "yes" if met else "NO"


def print_table(figures):
    rows = [("what", "figure", "limit", "met?", "note")]
    rows += [(f.what, show(f.value, f.unit), show(f.limit, f.unit), f.is_met(), f.note) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        print(" · ".join([*cells, row[4]]).rstrip(" ·"))


def show(value, unit):
    if value is None:
        return "–"
    number = f"{value:.2f}" if unit in ("×", "ms") and value < 10 else f"{value:.1f}"
    return f"{number} {unit}"
