"""Messages are read with their headers, by the part that shows the text. Attachments are named."""

import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers import mail
from aesearch.readers.folder import read_files


def message(text: str | None = "A thread waits.", html: str | None = None, **headers: str) -> EmailMessage:
    found = EmailMessage()
    for name, value in {"Subject": "Über Threads", "From": "Müller <a@b.example>", "To": "c@d.example", **headers}.items():
        found[name] = value
    if text is not None:
        found.set_content(text)
        if html is not None:
            found.add_alternative(html, subtype="html")
    elif html is not None:
        found.set_content(html, subtype="html")
    return found


def read(path: Path, content: bytes) -> Item:
    path.write_bytes(content)
    (item,) = mail.read_message(path)
    return item


def test_headers_precede_the_plain_text(tmp_path: Path) -> None:
    sent = message(html="<p>not this</p>", Date="Tue, 05 Mar 2024 13:30:00 +0100")
    item = read(tmp_path / "a.eml", sent.as_bytes())
    assert str(item.content).splitlines() == [
        "Subject: Über Threads",
        "From: Müller <a@b.example>",
        "To: c@d.example",
        "Date: Tue, 05 Mar 2024 13:30:00 +0100",
        "",
        "A thread waits.",
    ]
    assert item.warning is None


def test_html_is_read_if_there_is_no_plain_text(tmp_path: Path) -> None:
    page = "<style>p {}</style><h1>Title</h1><p>A <b>thr</b>ead waits.</p>"
    for sent in (message(None, page), message(" \n", page)):
        item = read(tmp_path / "a.eml", sent.as_bytes())
        assert str(item.content).split("\n\n")[1] == "Title\nA thread waits."


def test_attachments_are_named(tmp_path: Path) -> None:
    sent = message()
    sent.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="größe.pdf")
    sent.add_attachment("a text", filename="notes.txt")
    sent.add_attachment(message("forwarded"))
    item = read(tmp_path / "a.eml", sent.as_bytes())
    assert item.warning == "not read: größe.pdf, notes.txt, message/rfc822"
    assert "a text" not in str(item.content)


def test_attachment_in_an_alternative_is_named(tmp_path: Path) -> None:
    inner = EmailMessage()
    inner.set_content("<p>a page</p>", subtype="html")
    inner.add_attachment(b"x", maintype="image", subtype="png", filename="photo.png")
    sent = message()
    sent.make_alternative()
    sent.attach(inner)
    item = read(tmp_path / "a.eml", sent.as_bytes())
    assert item.warning == "not read: photo.png"
    assert str(item.content).endswith("\nA thread waits.")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "iso-2022-jp", "cp1251", "no-such-charset", ""])
def test_text_is_decoded_by_its_charset(charset: str, tmp_path: Path) -> None:
    text = {"iso-2022-jp": "すべての人間は", "cp1251": "съешь же ещё"}.get(charset, "Größe und Straße")
    known = charset if charset and charset[0] != "n" else "utf-8"
    header = f"Subject: x\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    item = read(tmp_path / "a.eml", header.encode() + text.encode(known))
    assert text in str(item.content)


@pytest.mark.parametrize("content", [b"no headers at all", bytes(range(256)) * 20, b"\n\n", b"{}"])
def test_other_file_is_not_a_message(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not an email message"):
        read(tmp_path / "a.eml", content)


@pytest.mark.parametrize("depth", [200, 5000])
def test_deeply_nested_message_is_read_or_refused(depth: int, tmp_path: Path) -> None:
    parts = "".join(f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n" for number in range(depth))
    try:
        item = read(tmp_path / "a.eml", f"Subject: x\n{parts}Content-Type: text/plain\n\ninside".encode())
    except Unreadable as error:
        assert "damaged" in error.reason  # noqa: PT017
    else:
        assert item.warning == "not read: deeply nested parts"


@pytest.mark.parametrize(
    "header", ["Subject: =?no-such?Q?x?=", "Content-Disposition: attachment; filename*=no-such''%ff", "From: \x00\udcff"]
)
def test_malformed_headers_are_read(header: str, tmp_path: Path) -> None:
    content = f"To: x\n{header}\n\nA thread waits.".encode("utf-8", "surrogateescape")
    item = read(tmp_path / "a.eml", content)
    assert str(item.content).encode()
    assert item.warning is not None or "A thread waits." in str(item.content)


def test_mailbox_has_an_item_for_each_message(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "a.mbox")
    for number in range(3):
        box.add(message(f"message {number}\nFrom here on\n\nFrom the start"))
    box.flush()
    box.close()
    files = read_files(tmp_path)
    items = list(files)
    assert [item.id for item in items] == ["a.mbox#1", "a.mbox#2", "a.mbox#3"]
    for number, item in enumerate(items):
        assert str(item.content).endswith(f"\nmessage {number}\nFrom here on\n\nFrom the start")
    assert files.skipped == {}


def test_unreadable_message_of_a_mailbox_is_named(tmp_path: Path) -> None:
    messages = b"From a\nSubject: one\n\ntext\n\nFrom b\n\nno headers\n\nFrom c\nSubject: three\n\nx\n"
    (tmp_path / "a.mbox").write_bytes(messages)
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["a.mbox#1", "a.mbox#3"]
    assert "not an email message" in files.skipped["a.mbox#2"].reason


def test_too_large_message_of_a_mailbox_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MAX_DOCUMENT_BYTES", 1000)
    large = b"From a\nSubject: one\n\n" + b"line\n" * 1000 + b"\n"
    (tmp_path / "a.mbox").write_bytes(large + b"From b\nSubject: two\n\ntext\n")
    first, second = mail.read_mailbox(tmp_path / "a.mbox")
    assert isinstance(first, Unreadable)
    assert "the message is larger than" in first.reason
    assert isinstance(second, Item)


def test_other_file_is_not_a_mailbox(tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(b"Subject: a message\n\ntext")
    with pytest.raises(Unreadable, match="not a mailbox"):
        list(mail.read_mailbox(tmp_path / "a.mbox"))


def web_archive() -> EmailMessage:
    page = EmailMessage()
    page["Subject"] = "ignored"
    page.set_content("<title>Größe</title><h1>Pumps</h1><p>They move water.</p>", subtype="html", cte="quoted-printable")
    page.make_related()
    page.add_related(b"x", maintype="image", subtype="png")
    return page


def test_web_archive_is_read_as_its_page(tmp_path: Path) -> None:
    page = web_archive()
    (tmp_path / "a.mhtml").write_bytes(page.as_bytes())
    (item,) = mail.read_web_archive(tmp_path / "a.mhtml")
    assert item.content == "Größe\nPumps\nThey move water."
    assert [section.heading for section in item.sections] == ["Pumps"]
    assert item.warning is None
    page.add_related("<p>frame</p>", subtype="html")
    (tmp_path / "a.mhtml").write_bytes(page.as_bytes())
    (item,) = mail.read_web_archive(tmp_path / "a.mhtml")
    assert item.warning == "not read: 1 page in frames"


def test_web_archive_without_a_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mhtml").write_bytes(message().as_bytes())
    with pytest.raises(Unreadable, match="no web page"):
        list(mail.read_web_archive(tmp_path / "a.mhtml"))
