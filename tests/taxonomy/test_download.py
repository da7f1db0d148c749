"""Downloading the official database, against a real server on this machine."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from occpred.taxonomy import download
from occpred.taxonomy.download import main


def release_zip(occupations: int) -> bytes:
    codes = [f"11-{number:04}.00" for number in range(occupations)]
    rows = "".join(f"{code}\tTitle {code}\tDescription of {code}\n" for code in codes)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("db_29_1_text/Read Me.txt", "O*NET 29.1 Database\n")
        archive.writestr("db_29_1_text/Occupation Data.txt", "O*NET-SOC Code\tTitle\tDescription\n" + rows)
        archive.writestr("db_29_1_text/Related Occupations.txt", "O*NET-SOC Code\tRelated O*NET-SOC Code\tIndex\n")
    return content.getvalue()


RELEASE = release_zip(950)
DIGEST = hashlib.sha256(RELEASE).hexdigest()


@dataclass
class Server:
    """What the server has and how it behaves; `ranges` is what it was asked for, `sent` how many bytes it gave."""

    content: bytes = RELEASE
    honours_range: bool = True
    cut_after: int | None = None
    tells_length: bool = True
    shifted_range: int = 0
    url: str = ""
    ranges: list[str | None] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers["Range"]
        self.ranges.append(asked)
        if request.path != "/db_29_1_text.zip":
            request.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.honours_range else 0
        if start and start >= len(self.content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(self.content)}")
            request.end_headers()
            return
        start -= self.shifted_range if start else 0
        body = self.content[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        if self.tells_length:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        self.sent.append(request.wfile.write(body[: self.cut_after]))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    behaviour = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behaviour.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        behaviour.url = f"http://127.0.0.1:{http.server_port}/db_29_1_text.zip"
        yield behaviour
        http.shutdown()
        thread.join()


def run(server: Server, folder: Path, *more: str) -> int:
    return main(["onet", "--url", server.url, "--to", str(folder), *more])


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that tells what went wrong, behind the progress bar's."""
    output = capsys.readouterr()
    assert output.out == ""
    assert "Traceback" not in output.err
    lines = [line for line in re.split(r"[\r\n]+", output.err) if line.startswith("occpred-data: ")]
    assert len(lines) == 1
    return lines[0]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


COMPLETE = {"db_29_1_text.zip", "db_29_1_text.zip.sha256"}


def test_a_whole_download(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    assert run(server, folder) == 0
    assert names(folder) == COMPLETE
    assert (folder / "db_29_1_text.zip").read_bytes() == RELEASE
    assert (folder / "db_29_1_text.zip.sha256").read_text() == f"{DIGEST}  db_29_1_text.zip\n"
    assert capsys.readouterr().out == (
        f"O*NET 29.1, 950 occupations, SHA-256 {DIGEST}\n"
        f"Use it: occpred taxonomy=onet taxonomy.path={folder / 'db_29_1_text.zip'}\n"
    )


def test_a_second_run_checks_the_file_and_downloads_nothing(server: Server, tmp_path: Path) -> None:
    assert run(server, tmp_path) == 0
    assert run(server, tmp_path, "--sha256", DIGEST.upper()) == 0
    assert server.ranges == [None]


def test_a_file_that_was_changed_later_is_noticed(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, tmp_path) == 0
    capsys.readouterr()
    (tmp_path / "db_29_1_text.zip").write_bytes(release_zip(951))
    assert run(server, tmp_path) == 1
    assert "not as recorded in" in refusal(capsys)


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_cut_download_goes_on_where_it_stopped(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], tells_length: bool
) -> None:
    server.cut_after = 10_000
    assert run(server, tmp_path) == 1
    assert f"broke off after 10000 of {len(RELEASE)} bytes; run the same command again to go on" in refusal(capsys)
    assert names(tmp_path) == {"db_29_1_text.zip.part"}
    server.cut_after, server.tells_length = None, tells_length
    assert run(server, tmp_path) == 0
    assert server.ranges == [None, "bytes=10000-"]
    assert server.sent == [10_000, len(RELEASE) - 10_000]
    assert (tmp_path / "db_29_1_text.zip").read_bytes() == RELEASE
    assert names(tmp_path) == COMPLETE


def test_a_server_that_ignores_the_range_sends_all_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "db_29_1_text.zip.part").write_bytes(RELEASE[:10_000])
    server.honours_range = False
    assert run(server, tmp_path) == 0
    assert server.sent == [len(RELEASE)]
    assert (tmp_path / "db_29_1_text.zip").read_bytes() == RELEASE


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "db_29_1_text.zip.part").write_bytes(RELEASE + b"more")
    assert run(server, tmp_path) == 0
    assert server.ranges == [f"bytes={len(RELEASE) + 4}-", None]
    assert (tmp_path / "db_29_1_text.zip").read_bytes() == RELEASE


def test_a_part_of_another_file_is_noticed_and_thrown_away(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "db_29_1_text.zip.part").write_bytes(b"?" * 10_000)
    assert run(server, tmp_path) == 1
    assert "damaged zip" in refusal(capsys)
    assert names(tmp_path) == set()
    assert run(server, tmp_path) == 0


def test_another_part_than_asked_for_is_refused(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "db_29_1_text.zip.part").write_bytes(RELEASE[:10_000])
    server.shifted_range = 1
    assert run(server, tmp_path) == 1
    assert "another part than it was asked for" in refusal(capsys)


def test_a_wrong_checksum_is_refused(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(server, tmp_path, "--sha256", "0" * 64) == 1
    assert f"SHA-256 is {DIGEST}, not {'0' * 64}" in refusal(capsys)
    assert names(tmp_path) == set()


def test_a_release_that_the_publisher_changed_is_noticed(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server, tmp_path) == 0
    capsys.readouterr()
    (tmp_path / "db_29_1_text.zip").unlink()
    server.content = release_zip(951)
    assert run(server, tmp_path) == 1
    assert "delete that record if the publisher has replaced the release" in refusal(capsys)
    assert names(tmp_path) == {"db_29_1_text.zip.sha256"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>Please log in</html>", "not a zip file"),
        (RELEASE[:-30], "not a zip file"),
        (RELEASE.replace(b"Description of 11-0007.00", b"Description of 11-0008.00"), "damaged zip file"),
        (release_zip(899), "has 899 occupations"),
    ],
)
def test_what_is_no_release_is_refused_and_thrown_away(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    server.content = content
    assert run(server, tmp_path) == 1
    assert message in refusal(capsys)
    assert names(tmp_path) == set()


def test_a_missing_release(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.url = server.url.replace("29_1", "99_9")
    assert run(server, tmp_path) == 1
    assert "the server answered 404 Not Found; is there such a release?" in refusal(capsys)


def test_no_server(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["onet", "--url", "http://127.0.0.1:1/db_29_1_text.zip", "--to", str(tmp_path)]) == 1
    assert "Connection refused" in refusal(capsys)


@pytest.mark.parametrize("host", ["[", "127.0.0.1:port", "exa mple"])
def test_a_malformed_address(tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert main(["onet", "--url", f"http://{host}/db.zip", "--to", str(tmp_path)]) == 1
    refusal(capsys)


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert run(server, tmp_path / "file") == 1
    assert "file" in refusal(capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--version", "latest"], "--version latest: must be a release such as 29.1"),
        (["--url", "file:///etc/passwd"], "must be the http or https address of a .zip file"),
        (["--url", "https://example.org/"], "must be the http or https address of a .zip file"),
        (["--url", "https://example.org/a.zip?b=c"], "must be the http or https address of a .zip file"),
        (["--sha256", "abc"], "--sha256 abc: must be 64 hexadecimal digits"),
    ],
)
def test_wrong_options(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["onet", "--to", str(tmp_path / "none"), *arguments]) == 1
    assert message in refusal(capsys)
    assert not (tmp_path / "none").exists()


def test_the_version_tells_the_official_address(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert download._OFFICIAL_URL.startswith("https://www.onetcenter.org/")
    monkeypatch.setattr(download, "_OFFICIAL_URL", server.url.replace("29_1", "{}"))
    assert main(["onet", "--version", "29.1", "--to", str(tmp_path)]) == 0
    assert names(tmp_path) == COMPLETE
