"""Figures that others published, to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["REFERENCES", "Reference", "references_for"]


@dataclass(frozen=True)
class Reference:
    """A published error rate.

    from_memory: quoted without the source at hand; never to be printed without its mark "(m)".
    form: of a protocol that has several, as in "20-way 1-shot".
    """

    protocol: str
    method: str
    error_percent: float
    trained_on: str
    source: str
    from_memory: bool = False
    form: str = ""

    def __str__(self) -> str:
        mark = " (m)" if self.from_memory else ""
        return f"{self.method}{mark}: {self.error_percent:g} % error ({self.source})"


_LAKE = "Lake, Salakhutdinov, Tenenbaum 2015, Science 350"
_SNELL = "Snell, Swersky, Zemel 2017"
_KOCH_ITSELF = "Koch, Zemel, Salakhutdinov 2015"
_KOCH = "Koch, Zemel, Salakhutdinov 2015, table 2"

REFERENCES = (
    Reference("lake2015", "attentive recurrent comparators, full context", 1.5,
              "30 alphabets, augmented", "Shyam, Gupta, Dukkipati 2017"),
    Reference("lake2015", "Bayesian program learning", 3.3, "stroke data", _LAKE),
    Reference("lake2015", "humans (40 people)", 4.5, "their lives", _LAKE),
    Reference("lake2015", "recursive cortical network", 7.3,
              "not seen", "George et al. 2017", from_memory=True),
    Reference("lake2015", "convolutional Siamese network", 8.0, "40 alphabets, augmented", _KOCH),
    Reference("lake2015", "deep convolutional network", 13.5, "30 alphabets", _LAKE),
    Reference("lake2015", "prototypical networks", 13.7,
              "30 alphabets", "Snell et al. 2017, as cited by others", from_memory=True),
    Reference("lake2015", "modified Hausdorff distance", 38.8, "nothing",
              "the demo beside Omniglot (brendenlake/omniglot)"),
    *(
        Reference("vinyals", method, error, "the 1,200 training characters and their turns", source,
                  from_memory=from_memory, form=form)
        for method, source, from_memory, errors in (
            ("prototypical networks", _SNELL, False, (1.2, 0.3, 4.0, 1.1)),
            ("best that answers each query by itself", "as cited by others", True,
             (0.3, 0.1, 1.9, 0.5)),
        )
        for form, error in zip(
            ("5-way 1-shot", "5-way 5-shot", "20-way 1-shot", "20-way 5-shot"), errors, strict=True
        )
    ),
    Reference("koch2015", "Siamese network, 150,000 pairs, affine distortion", 6.58,
              "30 alphabets, 12 drawers", f"{_KOCH_ITSELF}, table 1"),
    Reference("koch2015", "Siamese network, 30,000 pairs, no distortion", 9.39,
              "30 alphabets, 12 drawers", f"{_KOCH_ITSELF}, table 1"),
    Reference("omniglot-12-4-4", "Siamese network, 30,000 pairs, Adam, 10 epochs", 8.8,
              "the same 964 characters, 12 drawers",
              "ac-alpha/One-Shot-Learning-using-Siamese-Networks"),
    Reference("mnist", "Siamese network (digits of 35 x 35)", 29.7,
              "Omniglot alone", f"{_KOCH_ITSELF}, table 3"),
    Reference("mnist", "nearest neighbour", 73.5, "nothing", f"{_KOCH_ITSELF}, table 3"),
)  # fmt: skip


def references_for(protocol: str, form: str | None = None) -> tuple[Reference, ...]:
    """The published figures by `protocol`, best first; none where nobody published any.

    form: of that form alone; None for all.
    """
    found = [
        reference
        for reference in REFERENCES
        if reference.protocol == protocol and form in (None, reference.form)
    ]
    return tuple(sorted(found, key=lambda reference: reference.error_percent))
