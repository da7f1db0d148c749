"""The answer on paper: terminal table, CSV, LaTeX and one self-contained HTML page."""
