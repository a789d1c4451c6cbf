"""Prints ``docs/architecture.svg``: what runs where, and what goes between."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 940, 560
_HEAD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
 font-family="system-ui, Segoe UI, Helvetica, Arial, DejaVu Sans, sans-serif" font-size="12">
<title>Architecture: prediction, retraining, alerts, monitoring</title>
<style>
.paper {{ fill: #ffffff }} .box {{ fill: #f3f6fa; stroke: #6b7f95 }} .code {{ fill: #e3f1e6 }}
text {{ fill: #1c2733 }} .name {{ font-weight: 600; font-size: 14px }} .label {{ fill: #48586a }}
.line {{ fill: none; stroke: #48586a; stroke-width: 1.4 }} .head {{ fill: #48586a }}
@media (prefers-color-scheme: dark) {{
.paper {{ fill: #10161f }} .box {{ fill: #1b2532; stroke: #6f849b }} .code {{ fill: #1d3527 }}
text {{ fill: #e6edf3 }} .label {{ fill: #aebccb }} .line {{ stroke: #aebccb }}
.head {{ fill: #aebccb }} }}
</style>
<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"
 orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker><marker id="from" viewBox="0 0 8 8"
 refX="1" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head"
 d="M8 0 0 4 8 8z"/></marker></defs>
<rect class="paper" width="100%" height="100%" rx="8"/>"""


@dataclass(frozen=True, slots=True)
class Box:
    """Something that runs or keeps; green, where it runs code of this repository."""

    x: int
    y: int
    width: int
    height: int
    name: str
    lines: tuple[str, ...]
    is_ours: bool = False

    def drawn(self) -> Iterator[str]:
        """Draw it with its texts, centred."""
        kind = "box code" if self.is_ours else "box"
        size = f'x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}"'
        yield f'<rect class="{kind}" {size} rx="6"/>'
        middle = self.x + self.width // 2
        first = self.y + self.height // 2 - 8 * len(self.lines) + 5
        yield _text(self.name, middle, first, "name")
        for number, line in enumerate(self.lines, start=1):
            yield _text(line, middle, first + 16 * number, "")


@dataclass(frozen=True, slots=True)
class Arrow:
    """Something that goes along points, with what it is beside them."""

    points: tuple[tuple[int, int], ...]
    label: str = ""
    at: tuple[int, int] = (0, 0)
    both: bool = False
    anchor: str = "middle"

    def drawn(self) -> Iterator[str]:
        """Draw it."""
        path = " ".join(f"{x},{y}" for x, y in self.points)
        ends = 'marker-end="url(#to)"' + (' marker-start="url(#from)"' if self.both else "")
        yield f'<polyline class="line" points="{path}" {ends}/>'
        for number, line in enumerate(self.label.splitlines()):
            yield _text(line, self.at[0], self.at[1] + 14 * number, "label", self.anchor)


BOXES = (
    Box(20, 40, 110, 56, "client", ("x-api-key",)),
    Box(200, 40, 130, 56, "API Gateway", ("keys, throttling",)),
    Box(390, 32, 200, 72, "predict", ("Lambda", "key → check → ONNX → answer"), is_ours=True),
    Box(740, 32, 180, 72, "MLflow registry", ("production, previous,", "challenger")),
    Box(740, 164, 180, 56, "artifact store", ("S3: model.onnx",)),
    Box(
        390,
        180,
        200,
        104,
        "bucket",
        ("new_data/ · rejected/", "dataset/ · jobs/ · alerts/", "models/ · ledger/"),
    ),
    Box(20, 204, 110, 56, "a CSV", ("any S3 client",)),
    Box(200, 340, 130, 72, "retrain", ("Lambda", "an event → a job"), is_ours=True),
    Box(
        390,
        340,
        200,
        72,
        "training job",
        ("AWS Batch, or a process", "check → fit → gate → promote"),
        is_ours=True,
    ),
    Box(740, 340, 180, 72, "SNS topic", ("e-mail; the Lambda notify", "posts to Slack")),
    Box(200, 476, 130, 56, "CloudWatch", ("logs, metrics",)),
    Box(390, 476, 200, 56, "YACE, Prometheus", ("or GET /metrics",)),
    Box(740, 476, 180, 56, "Grafana", ("Alertmanager",)),
)
ARROWS = (
    Arrow(((130, 68), (199, 68)), "HTTPS", (165, 60)),
    Arrow(((330, 68), (389, 68))),
    Arrow(((590, 60), (739, 60)), "which version is\nproduction?", (665, 38)),
    Arrow(
        ((739, 186), (660, 186), (660, 88), (591, 88)),
        "the file,\nby its SHA-256",
        (668, 130),
        anchor="start",
    ),
    Arrow(
        ((460, 179), (460, 105)),
        "last promoted\nmodel, if the\nregistry is down",
        (452, 128),
        anchor="end",
    ),
    Arrow(((530, 105), (530, 179)), "ledger, of\na rollback", (538, 138), anchor="start"),
    Arrow(((130, 232), (389, 232)), "put under new_data/", (265, 224)),
    Arrow(((390, 266), (265, 266), (265, 339)), "event", (300, 282)),
    Arrow(((330, 376), (389, 376)), "starts", (365, 368)),
    Arrow(
        ((490, 339), (490, 285)),
        "rows, status,\nreports, copy",
        (498, 308),
        both=True,
        anchor="start",
    ),
    Arrow(((590, 358), (640, 358), (640, 204), (739, 204)), "registers", (690, 218)),
    Arrow(
        ((640, 300), (930, 300), (930, 68), (921, 68)),
        "moves the alias, if the gate lets it",
        (785, 292),
    ),
    Arrow(((590, 390), (739, 390)), "failed, rejected,\npromoted, drifted", (660, 406)),
    Arrow(
        ((265, 412), (265, 475)),
        "log lines that are\nmetrics (EMF), of all",
        (257, 440),
        anchor="end",
    ),
    Arrow(((330, 504), (389, 504))),
    Arrow(((590, 504), (739, 504))),
)


def _text(text: str, x: int, y: int, kind: str, anchor: str = "middle") -> str:
    described = f' class="{kind}"' if kind else ""
    return f'<text{described} x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def picture() -> str:
    """Return the picture, an SVG."""
    drawn = [line for part in (*ARROWS, *BOXES) for line in part.drawn()]
    return "\n".join([_HEAD, *drawn, "</svg>"])


if __name__ == "__main__":
    print(picture())
