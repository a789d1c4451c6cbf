"""A subject from a CSV: read a table, infer its columns, write the subject's folder."""
