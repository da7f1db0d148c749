"""Reads a page as strictly as a test wants it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Reads a page strictly: every tag that is opened is closed, in order.

    `tables` holds the texts of each table's cells, row by row, by the table's caption.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables[self.within("figcaption")[-1]] = []
        elif tag == "tr":
            list(self.tables.values())[-1].append([])
        elif tag in ("th", "td"):
            list(self.tables.values())[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", " ".join(data.split())))
            if {"th", "td"} & set(self.open):
                row = list(self.tables.values())[-1][-1]
                row[-1] = f"{row[-1]} {self.texts[-1][1]}".strip()

    def within(self, tag: str) -> list[str]:
        return [text for parent, text in self.texts if parent == tag]

    def values(self, attribute: str) -> Iterator[str]:
        return (attributes[attribute] for _, attributes in self.elements if attribute in attributes)


def check_self_contained(page: Page) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action")], tag
    assert all(reference.startswith("#") for reference in page.values("href"))
    assert all(set(re.findall(r"url\((.)", style)) <= {"#"} for style in page.values("style"))
    (style,) = page.within("style")
    assert "url(" not in style
    assert "@import" not in style


def check_references(page: Page) -> None:
    ids = list(page.values("id"))
    assert len(ids) == len(set(ids))
    assert {reference.removeprefix("#") for reference in page.values("href")} <= set(ids)
    assert {name for names in page.values("aria-labelledby") for name in names.split()} <= set(ids)
