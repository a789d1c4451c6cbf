"""Requests that MLflow's own tests and clients, and people, send to a scoring server."""

import gzip
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from housing.schema import FEATURE_NAMES, FEATURES

JSON, CSV = "application/json", "text/csv"
ROW = {column.name: float(column.example) for column in FEATURES}
ROWS = [{**ROW, "MedInc": ROW["MedInc"] / part, "Latitude": 34.0 + part} for part in range(1, 6)]
NAMES = list(FEATURE_NAMES)
LISTS = [list(row.values()) for row in ROWS]
LIST = LISTS[0]
COLUMNS = {name: [row[name] for row in ROWS] for name in NAMES}
FRAME = pd.DataFrame(ROWS)
TURNED = NAMES[::-1]
BACKWARDS = [row[::-1] for row in LISTS]
DEEP = 100


class Sent(NamedTuple):
    """A request."""

    body: bytes = b""
    content_type: str | None = JSON
    headers: Mapping[str, str] = MappingProxyType({})
    method: str = "POST"
    path: str = "/invocations"


def requests() -> dict[str, Sent]:
    """Return all requests by name."""
    made = [*_split(), *_records(), *_lists(), *_documents(), *_texts(), *_types(), *_csv()]
    made += [*_headers(), *_routes(), *_sizes()]
    by_name = dict(made)
    assert len(by_name) == len(made)
    return by_name


def _json(name: str, document: Any) -> tuple[str, Sent]:
    return name, Sent(json.dumps(document).encode())


def _split() -> Iterator[tuple[str, Sent]]:
    good = {"columns": NAMES, "data": LISTS}
    one = {"columns": NAMES, "data": [LIST]}
    forms: dict[str, Any] = {
        "": {**good, "index": [0, 1, 2, 3, 4]},
        ", index of strings": {**good, "index": list("abcde")},
        ", no index": one,
        ", index too short": {**good, "index": [0]},
        ", index null": {**one, "index": None},
        ", repeated index": {**good, "index": [0, 0, 0, 0, 0]},
        ", no columns": {"data": [LIST]},
        ", columns null": {"columns": None, "data": [LIST]},
        ", columns shuffled": {"columns": TURNED, "data": BACKWARDS},
        ", extra column": {"columns": [*NAMES, "x"], "data": [[*row, 1] for row in LISTS]},
        ", extra text column": {"columns": [*NAMES, "x"], "data": [[*row, "y"] for row in LISTS]},
        ", missing column": {"columns": NAMES[1:], "data": [row[1:] for row in LISTS]},
        ", unknown key": {**one, "more": 1},
        ", orient=tight": {**good, "index_names": [None], "column_names": [None]},
        ", column twice": {"columns": [*NAMES, "MedInc"], "data": [[*LIST, 1]]},
        ", no rows": {"columns": NAMES, "data": []},
        ", row too short": {"columns": NAMES, "data": [LIST[1:]]},
        ", row too long": {"columns": NAMES, "data": [[*LIST, 1]]},
        " is a list": LISTS,
        ", columns of numbers": {"columns": list(range(8)), "data": [LIST]},
        ", nested data": {"columns": NAMES, "data": [[LIST]]},
        " as text": json.dumps(one),
        " of pandas": json.loads(FRAME.to_json(orient="split")),
    }
    for name, form in forms.items():
        yield _json(f"split{name}", {"dataframe_split": form})


def _records() -> Iterator[tuple[str, Sent]]:
    rows: dict[str, Any] = {
        "": ROWS,
        ", shuffled keys": [dict(reversed(row.items())) for row in ROWS],
        ", other order in a row": [ROW, dict(reversed(ROW.items()))],
        ", extra column": [{**row, "x": 1} for row in ROWS],
        ", missing everywhere": [{"MedInc": 3}],
        ", missing in one row": [ROW, {name: ROW[name] for name in NAMES[1:]}],
        ", empty list": [],
        " is a split": {"columns": NAMES, "data": LISTS},
        " of lists": [LIST],
        ", an object": ROW,
        ", empty objects": [{}, {}],
        ", all nulls": [dict.fromkeys(NAMES)],
        ", ints for doubles": [{**ROW, "HouseAge": 41, "Population": 322}],
        ", all ints": [{**dict.fromkeys(NAMES, 1), "Latitude": 37, "Longitude": -122}],
        ", extra key in Unicode": [{**ROW, "größe ☃": 1}],
    }
    cells: dict[str, Any] = {
        "null": None,
        "number as text": "3.5",
        "text": "a lot",
        "empty text": "",
        "true": True,
        "list": [1],
        "object": {"a": 1},
        "negative": -1,
        "400-digit integer": 10**400,
        "base64": "AAAA",
        "date": "2020-01-02",
    }
    for name, records in rows.items():
        yield _json(f"records{name}", {"dataframe_records": records})
    for name, cell in cells.items():
        yield _json(f"records, {name}", {"dataframe_records": [ROW, {**ROW, "MedInc": cell}]})
    out = {"dataframe_records": [{**ROW, "Latitude": 91}]}
    yield _json("records, latitude out of range", out)
    for cell in ("NaN", "Infinity", "1e400", "1e-400", "8.3252E0", "8.32520000000000001"):
        body = json.dumps({"dataframe_records": [ROW]}).replace("8.3252", cell)
        yield f"records, {cell}", Sent(body.encode())
    twice = json.dumps({"dataframe_records": [ROW]}).replace('"MedInc"', '"MedInc": 1, "MedInc"')
    yield "records, key twice", Sent(twice.encode())
    escaped = json.dumps({"dataframe_records": [ROW]}).replace("MedInc", "\\u004dedInc")
    yield "records, escape in a key", Sent(escaped.encode())
    half = json.dumps({"dataframe_records": [{**ROW, "\ud800": 1}]})
    yield "records, half of a surrogate pair", Sent(half.encode())


def _lists() -> Iterator[tuple[str, Sent]]:
    for form in ("instances", "inputs"):
        data: dict[str, Any] = {
            "records": ROWS,
            "lists": LISTS,
            "columns": COLUMNS,
            "an object": ROW,
            "columns shuffled": dict(reversed(COLUMNS.items())),
            "extra column": {**COLUMNS, "x": [1] * 5},
            "extra column of other length": {**COLUMNS, "x": [1]},
            "missing column": {name: COLUMNS[name] for name in NAMES[1:]},
            "uneven lengths": {**COLUMNS, "MedInc": [1]},
            "number and lists mixed": {**{name: [ROW[name]] for name in NAMES}, "MedInc": 3},
            "empty columns": {name: [] for name in NAMES},
            "empty object": {},
            "empty list": [],
            "flat list": LIST,
            "three dimensions": [LISTS],
            "a number": 1,
            "text": "x",
            "null": None,
            "records of lists": [COLUMNS],
            "columns of one-item lists": {name: [[one] for one in COLUMNS[name]] for name in NAMES},
            "ints": {**{name: [1] for name in NAMES}, "Latitude": [37], "Longitude": [-122]},
            "null in a column": {**COLUMNS, "MedInc": [None, 1, 2, 3, 4]},
        }
        for name, content in data.items():
            yield _json(f"{form}, {name}", {form: content})


def _documents() -> Iterator[tuple[str, Sent]]:
    good = {"dataframe_records": ROWS}
    documents: dict[str, Any] = {
        "no form: {}": {},
        "no form: another key": {"not": 1},
        "two forms": {"inputs": 1, "instances": 2},
        "two good forms": {"inputs": COLUMNS, "instances": ROWS},
        "a list": [1],
        "a number": 1,
        "text": "x",
        "records of MLflow 1": ROWS,
        "split of MLflow 1": {"columns": NAMES, "data": LISTS},
        "a row": ROW,
        "params null": {**good, "params": None},
        "params unknown": {**good, "params": {"temperature": 1}},
        "params a list": {**good, "params": [1]},
        "params text": {**good, "params": "x"},
        "params empty": {**good, "params": {}},
        "params beside a split": {
            "dataframe_split": {"columns": NAMES, "data": LISTS},
            "params": {},
        },
        "unknown key beside the form": {**good, "more": 1},
        "unknown objects beside the form": {**good, "more": {"a": {"b": [1]}}},
        "messages": {"messages": [{"role": "user", "content": "hi"}]},
        "prompt": {"prompt": "hi"},
        "input": {"input": "hi"},
    }
    for name, document in documents.items():
        yield _json(f"document, {name}", document)
    twice = json.dumps(good)[:-1] + ', "dataframe_records": []}'
    yield "document, form twice", Sent(twice.encode())
    nested: Any = 1
    for _ in range(DEEP):
        nested = [nested]
    yield _json("document, deep extra key", {**good, "more": nested})


def _texts() -> Iterator[tuple[str, Sent]]:
    good = json.dumps({"dataframe_records": ROWS})
    texts = {
        "malformed": "{",
        "empty": "",
        "white space": "   ",
        "comma at the end": good[:-1] + ",}",
        "rubbish at the end": good + "x",
        "comment": "/* */" + good,
        "single quotes": good.replace('"', "'"),
        "byte order mark": "\ufeff" + good,
        "white space around": f" \n{good}\n ",
        "NUL": good.replace("MedInc", "Med\0Inc"),
    }
    for name, text in texts.items():
        yield f"text, {name}", Sent(text.encode())
    yield "text, bad UTF-8", Sent(good.replace("MedInc", "Med").encode() + b"\xff")
    latin = json.dumps({"dataframe_records": [{**ROW, "größe": 1}]}, ensure_ascii=False)
    yield "text, Latin-1", Sent(latin.encode("latin-1"))
    yield "text, UTF-16", Sent(good.encode("utf-16"))
    yield "text, UTF-16 named", Sent(good.encode("utf-16"), f"{JSON}; charset=utf-16")


def _types() -> Iterator[tuple[str, Sent]]:
    good = json.dumps({"dataframe_records": ROWS}).encode()
    for content_type in (
        *(f"{JSON}; charset=UTF-8", f"{JSON}; charset=utf-8", f"{JSON};charset=utf-8"),
        *(f'{JSON} ; charset="utf-8"', f"{JSON}; charset=utf8", f"{JSON}; charset=us-ascii"),
        *(f"{JSON}; charset=latin-1", f"{JSON}; charset=iso-8859-1", f"{JSON}; charset="),
        *(f"{JSON}; something=x", f"{JSON}; charset=utf-8; something=x", f"{JSON};", f"{JSON}; "),
        *("APPLICATION/JSON", "Application/Json", f" {JSON}", f"{JSON}; format=pandas-split"),
        *(f"{JSON}; format=pandas-records", "text/json", "application/problem+json"),
        *("application/x-json", f"{JSON}, {CSV}", "*/*", "", "not_a_supported_content_type"),
        *("text/plain", "application/octet-stream", "application/x-www-form-urlencoded"),
        *("multipart/form-data; boundary=x", "application/x-npy", "application/jsonlines"),
        *("application/vnd.mlflow+json", "application/vnd.apache.parquet", CSV),
    ):
        yield f"type {content_type!r}", Sent(good, content_type)
    rows = FRAME.to_csv(index=False).encode()
    for content_type in (
        *(CSV, f"{CSV}; charset=utf-8", f"{CSV}; header=present", f"{CSV}; header=absent"),
        *("TEXT/CSV", "application/csv", "text/x-csv", "text/tab-separated-values", JSON),
    ):
        yield f"CSV as {content_type!r}", Sent(rows, content_type)


def _csv() -> Iterator[tuple[str, Sent]]:
    text = FRAME.to_csv(index=False)
    header, *lines = text.splitlines()
    first = lines[0]
    one = f"{header}\n{first}\n"

    def cell(new: str) -> str:
        return one.replace("322.0", new)

    texts = {
        "index column": FRAME.to_csv(),
        "named index": FRAME.rename_axis("index").to_csv(),
        "shuffled": FRAME[TURNED].to_csv(index=False),
        "extra column": FRAME.assign(x=1).to_csv(index=False),
        "missing column": FRAME[NAMES[1:]].to_csv(index=False),
        "no header": "\n".join(lines),
        "header alone": f"{header}\n",
        "empty": "",
        "blank": "\n\n",
        "CRLF": text.replace("\n", "\r\n"),
        "CR": text.replace("\n", "\r"),
        "no line end": text.rstrip(),
        "quoted": FRAME.to_csv(index=False, quoting=1),
        "quoted header": one.replace(header, ",".join(f'"{name}"' for name in NAMES)),
        "semicolons": text.replace(",", ";"),
        "tabs": text.replace(",", "\t"),
        "byte order mark": "\ufeff" + text,
        "spaces after commas": one.replace(",", ", "),
        "blank lines": text.replace("\n", "\n\n"),
        "comment": f"# x\n{text}",
        "commas at the ends": text.replace("\n", ",\n"),
        "lower case": text.lower(),
        "row too short": f"{header}\n{first.rpartition(',')[0]}\n",
        "all rows too long": f"{header}\n{first},9\n",
        "second row too long": f"{one}{first},9\n",
        "column twice": f"{header},MedInc\n{first},1\n",
        "extra column in Unicode": FRAME.assign(größe="☃").to_csv(index=False),
        "NUL": one.replace("322.0", "3\0"),
    }
    cells = ("", "NaN", "NA", "abc", "inf", "1_000", '"1,000"', "3.2e2", "+322", "0x1F", "true")
    for name, content in texts.items():
        yield f"csv, {name}", Sent(content.encode(), CSV)
    for new in (*cells, "322", "\uff13\uff12\uff12"):
        yield f"csv, cell {new!r}", Sent(cell(new).encode(), CSV)
    yield "csv, bad UTF-8", Sent(one.encode() + b"\xff\xfe\n", CSV)


def _headers() -> Iterator[tuple[str, Sent]]:
    good = json.dumps({"dataframe_records": ROWS}).encode()
    for accept in (JSON, "*/*", "text/html", CSV, "application/jsonlines"):
        yield f"accept {accept}", Sent(good, headers={"accept": accept})
    yield "packed body", Sent(gzip.compress(good), headers={"content-encoding": "gzip"})
    yield "custom attributes", Sent(good, headers={"x-amzn-sagemaker-custom-attributes": "a=b"})


def _routes() -> Iterator[tuple[str, Sent]]:
    good = json.dumps({"dataframe_records": ROWS}).encode()
    for path in ("/invocations", "/ping", "/health", "/version"):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
            yield f"{method} {path}", Sent(b"", None, method=method, path=path)
        if path != "/invocations":
            yield f"POST {path}", Sent(b"", path=path)
        yield f"GET {path}/", Sent(b"", None, method="GET", path=f"{path}/")
    for path in ("/", "/nothing", "/docs", "/openapi.json"):
        yield f"GET {path}", Sent(b"", None, method="GET", path=path)
    for path in ("/invocations?x=1", "//invocations", "/INVOCATIONS", "/invocations/"):
        yield f"POST {path}", Sent(good, path=path)


def _sizes() -> Iterator[tuple[str, Sent]]:
    rows = [LIST] * 10_000
    many: dict[str, Any] = {"columns": NAMES, "data": rows}
    yield _json("10,000 rows", {"dataframe_split": many})
    yield _json("10,001 rows", {"dataframe_split": {**many, "data": [LIST] * 10_001}})
    body = pd.DataFrame(rows, columns=NAMES).to_csv(index=False)
    yield "10,000 rows as CSV", Sent(body.encode(), CSV)
