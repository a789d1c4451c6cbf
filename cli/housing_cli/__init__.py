"""The command line ``housing``: uploads, jobs, versions and predictions from a terminal."""
