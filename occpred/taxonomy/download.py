"""`occpred-data onet`: fetch the official O*NET database, so that `taxonomy=onet` can read it.

The publisher gives no checksums. So the checksum of the first download is kept beside the file, and a later download of
the same release must have the same one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from occpred.errors import UserError
from occpred.taxonomy.http_file import fetch
from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.table import UNREADABLE
from occpred.taxonomy.taxonomy import Taxonomy

_OFFICIAL_URL = "https://www.onetcenter.org/dl_files/database/db_{}_text.zip"
_MINIMUM_OCCUPATIONS = 900


@dataclass(frozen=True)
class OnetDownload:
    """A release of the O*NET text database: where it comes from and where it is to lie.

    While it is incomplete it is called `NAME.zip.part`; its checksum lies beside it in `NAME.zip.sha256`, in the format
    of `sha256sum`.
    """

    url: str
    folder: Path
    sha256: str | None = None
    """The checksum (hexadecimal) the file must have, where the user knows it."""

    @property
    def file(self) -> Path:
        return self.folder / self.url.rpartition("/")[2]

    @property
    def _record(self) -> Path:
        return self.file.with_name(f"{self.file.name}.sha256")

    def run(self) -> tuple[Taxonomy, str]:
        """Download what is missing, and check it; the file is there under its own name only if it is whole and right.

        Returns:
            The taxonomy that the file holds and the file's SHA-256.

        Raises:
            UserError: the server cannot be reached or refuses, the connection breaks (a further run goes on from
                there), or what came is no O*NET database or has another checksum than it should (it is thrown away).
        """
        if self.file.exists():
            return self._checked(self.file)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_name(f"{self.file.name}.part")
        fetch(self.url, partial)
        try:
            taxonomy, digest = self._checked(partial)
        except UserError:
            partial.unlink()
            raise
        os.replace(partial, self.file)
        return taxonomy, digest

    def _checked(self, file: Path) -> tuple[Taxonomy, str]:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if self.sha256 and digest != self.sha256.lower():
            raise UserError(f"{self.url}: the file's SHA-256 is {digest}, not {self.sha256}")
        if self._record.exists() and digest.encode() not in self._record.read_bytes():
            raise UserError(
                f"{self.url}: the file's SHA-256 is {digest}, not as recorded in {self._record}; "
                "delete that record if the publisher has replaced the release"
            )
        taxonomy = _load(file)
        self._record.write_text(f"{digest}  {self.file.name}\n", encoding="utf-8")
        return taxonomy, digest


def _load(file: Path) -> Taxonomy:
    """The taxonomy in `file`, after every part of the zip has been compared with its own check sum."""
    if not zipfile.is_zipfile(file):
        raise UserError(f"{file}: what the server sent is not a zip file")
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except UNREADABLE as error:
        raise UserError(f"{file}: a damaged zip file: {error}") from error
    if damaged:
        raise UserError(f"{file}: a damaged zip file: {damaged} is not what it should be")
    taxonomy = OnetTaxonomy(str(file)).load()
    if len(taxonomy) < _MINIMUM_OCCUPATIONS:
        raise UserError(f"{file}: has {len(taxonomy)} occupations; an O*NET release has over {_MINIMUM_OCCUPATIONS}")
    return taxonomy


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. Returns the exit code: 0, or 1 after one line that says what went wrong."""
    options = _parser().parse_args(arguments)
    try:
        download = OnetDownload(_url(options.url, options.version), options.to, _sha256(options.sha256))
        taxonomy, digest = download.run()
    except (UserError, OSError) as error:
        print(f"occpred-data: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("occpred-data: stopped; run the same command again to go on", file=sys.stderr)
        return 1
    print(f"{taxonomy.name}, {len(taxonomy)} occupations, SHA-256 {digest}")
    print(f"Use it: occpred taxonomy=onet taxonomy.path={download.file}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="occpred-data", description="Download the public data occpred can read.")
    commands = parser.add_subparsers(required=True, metavar="DATA")
    onet = commands.add_parser("onet", help="the O*NET database (CC BY 4.0, U.S. Department of Labor), all occupations")
    source = onet.add_mutually_exclusive_group()
    source.add_argument("--version", default="29.1", help="the release, 27.0 or later (default: %(default)s)")
    source.add_argument("--url", help="another address of the zip of text files")
    onet.add_argument("--to", type=Path, default=Path("data"), metavar="FOLDER", help="default: %(default)s")
    onet.add_argument("--sha256", metavar="HEX", help="the checksum the file must have")
    return parser


def _url(url: str | None, version: str) -> str:
    if url is None:
        if not re.fullmatch(r"\d+\.\d+", version):
            raise UserError(f"--version {version}: must be a release such as 29.1")
        return _OFFICIAL_URL.format(version.replace(".", "_"))
    if not re.fullmatch(r"https?://\S+/[^/?#\s]+\.zip", url):
        raise UserError(f"--url {url}: must be the http or https address of a .zip file")
    return url


def _sha256(digest: str | None) -> str | None:
    if digest is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise UserError(f"--sha256 {digest}: must be 64 hexadecimal digits")
    return digest
