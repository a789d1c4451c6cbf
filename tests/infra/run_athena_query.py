"""Run a query of Athena's with DuckDB over Parquet files; runs in the environment athena.

Takes ``{"query": …, "tables": {name: files}}`` on standard input and gives the rows by column.
"""

import json
import sys

import duckdb  # type: ignore[import-not-found]

asked = json.load(sys.stdin)
connection = duckdb.connect()
for name, files in asked["tables"].items():
    relation = connection.read_parquet(files, hive_partitioning=True)
    relation.create_view(name)
result = connection.execute(asked["query"])
columns = [column[0] for column in result.description]
json.dump([dict(zip(columns, row, strict=True)) for row in result.fetchall()], sys.stdout)
