"""Untrusted texts of files and metadata are shown as plain text everywhere."""

import csv
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from fakes.tables import as_csv, housing_table
from retrain.training.dataset.snapshot import joined
from retrain.training.errors import UploadRejectedError
from retrain.training.markdown import code_cell, code_span
from retrain.training.upload.ingest import Ingested, Upload, ingest
from retrain.training.upload.limits import Limits
from retrain.training.upload.report import as_text

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PutUpload = Callable[..., Upload]
Take = Callable[..., Ingested]
NASTY = [
    "https://evil.example/login?x=1 __bold__ @channel *a* ~~s~~",
    "www.evil.example someone@evil.example #1 [x](https://evil.example) ![y](z)",
    "<b>bold</b> <script>alert(1)</script> &amp; <https://evil.example>",
    "`code` ``more`` ` | a \\| b \\` c \\",
    "a\nb\r\n# title\n\n- item\t\x1b[31m",
]
SHOWN_AS_TEXT = {"text", "code_inline", "softbreak"}


@pytest.fixture
def take(s3: "S3Client", tmp_path: Path) -> Take:
    def taken(upload: Upload) -> Ingested:
        return ingest(s3, upload, tmp_path, Limits(1 << 20, 1 << 20, 0.1))

    return taken


def inline(markdown: str) -> list[Token]:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return [
        child for token in parser.parse(markdown) for child in token.children or [] if token.content
    ]


@pytest.mark.parametrize("text", NASTY)
def test_a_code_span_holds_any_text_on_one_line(text: str) -> None:
    before, span, after = inline(f"a {code_span(text)} b")

    assert (before.content, span.type, after.content) == ("a ", "code_inline", " b")
    shown = "".join(sign if sign.isprintable() else " " for sign in text.replace("`", "'"))
    assert span.content == " ".join(shown.split())


@pytest.mark.parametrize("text", NASTY)
def test_a_cell_of_a_table_stays_one_cell(text: str) -> None:
    table = f"| a | b |\n|---|---|\n| {code_cell(text)} | end |"

    *_, cell, end = [token for token in inline(table) if token.type != "text"] + [
        token for token in inline(table) if token.content == "end"
    ]

    assert (cell.type, end.content) == ("code_inline", "end")
    assert MarkdownIt("commonmark").enable("table").render(table).count("<td>") == 2


def test_of_nothing_there_is_no_span() -> None:
    assert code_span(" \n\t") == ""


@pytest.mark.parametrize("text", NASTY)
def test_the_report_shows_names_cells_and_reasons_as_text(
    take: Take, put_upload: PutUpload, read: Callable[[str], bytes], text: str
) -> None:
    table = housing_table(30).astype({"MedInc": object}).assign(**{text: "x"})
    table.loc[:9, "MedInc"] = text
    upload = put_upload(as_csv(table), f"{text.replace('/', '')}.csv")

    with pytest.raises(UploadRejectedError):
        take(upload)

    report = read(f"rejected/{upload.job_id}/report.md").decode()
    tokens = inline(report)
    assert {token.type for token in tokens} <= SHOWN_AS_TEXT
    plain = "".join(token.content for token in tokens if token.type == "text")
    assert not re.search(r"evil|bold|script|@|~|www|item", plain)
    assert f"| {code_cell(text[:80])} | not a number |" in report


def test_a_source_is_shown_as_it_is(take: Take, put_upload: PutUpload) -> None:
    said = "generated (seed 0), part 1/2: a_b.csv; x=1+y-z"

    assert take(put_upload(as_csv(housing_table(30)), **{"data-source": said})).source == said


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("![x](https://elsewhere/y) <b>", "??x?(https?//elsewhere/y) ?b?"),
        ("WWW.elsewhere.example", "WWW?elsewhere.example"),
        ("someone@elsewhere", "someone?elsewhere"),
        ("*a* `b` ~c~ #1 &d; \\e |", "?a? ?b? ?c? ?1 ?d; ?e ?"),
        ("file:" + "x" * 1_000, "file:" + "x" * 95),
        ("  ", "upload"),
    ],
)
def test_a_source_makes_no_link_and_no_mention_and_fits_a_tag(
    take: Take, put_upload: PutUpload, said: str, kept: str
) -> None:
    taken = take(put_upload(as_csv(housing_table(30)), **{"data-source": said}))

    assert taken.source == kept


def test_sources_of_many_uploads_are_one_short_line() -> None:
    assert joined([]) == ""
    assert joined(["b", "a", "b"]) == "a+b"
    assert joined(["x" * 1_000, "y"]) == f"{'x' * 1_000} and 1 more"
    many = joined(f"{number:03} {'x' * 96}" for number in range(500))
    assert many == f"000 {'x' * 96}+001 {'x' * 96} and 498 more"


@pytest.mark.parametrize("cell", ["-122.23", "+5", "-1e5", "-.5", " -5 ", "-8,3", " -1", "a=b", ""])
def test_cells_that_no_spreadsheet_computes_stay_as_they_are(cell: str) -> None:
    assert as_text(cell) == cell


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "\rx",
        "\uff1d1",
        "-",
        "-inf",
    ],
)
def test_cells_that_a_spreadsheet_would_compute_begin_with_an_apostrophe(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"


def test_bad_rows_are_written_so_that_a_spreadsheet_shows_them(
    take: Take, put_upload: PutUpload, read: Callable[[str], bytes]
) -> None:
    table = housing_table(30).astype({"MedInc": object}).assign(**{"=note": "@SUM(A1)"})
    table.loc[0, "MedInc"] = '=HYPERLINK("http://evil.example")'
    upload = put_upload(as_csv(table))

    take(upload)

    text = read(f"rejected/{upload.job_id}/rows.csv").decode()
    header, row = csv.reader(text.splitlines())
    assert header[-1] == "'=note"
    assert (row[0], row[-1]) == ('\'=HYPERLINK("http://evil.example")', "'@SUM(A1)")
    assert float(row[7]) == pytest.approx(table.loc[0, "Longitude"])


def test_ignored_columns_are_listed_up_to_a_bound(
    take: Take,
    put_upload: PutUpload,
    read: Callable[[str], bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    names = [f"{number:04} {'long' * 100}" for number in range(1_500)]
    table = as_csv(housing_table(30)).decode().splitlines()
    content = "\n".join([",".join([table[0], *names]), *table[1:], ",,,"])
    upload = put_upload(content.encode())

    take(upload)

    folder = f"rejected/{upload.job_id}/"
    report: dict[str, Any] = json.loads(read(f"{folder}report.json"))
    (line,) = [record for record in caplog.records if record.message == "upload_checked"]
    assert report["ignored_columns_total"] == vars(line)["ignored_columns_total"] == 1_500
    assert report["ignored_columns"] == [name[:60] for name in names[:20]]
    assert vars(line)["ignored_columns"] == report["ignored_columns"]
    assert report["blank_lines"] == vars(line)["blank_lines"] == 1
    markdown = read(f"{folder}report.md").decode()
    assert " and 1,480 more" in markdown
    assert len(markdown) < 2_000
