"""Read email messages, mailboxes and saved web pages (MHTML). Attachments are named, but not read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import Message
from typing import BinaryIO, NamedTuple

from aesearch.errors import Unreadable, count
from aesearch.items import Item
from aesearch.readers.encodings import decode_text
from aesearch.readers.files import AnyPath, open_file
from aesearch.readers.html import declared_encoding, extract_text
from aesearch.readers.text import MAX_DOCUMENT_BYTES, document_item, read_document_bytes, take_heading_marks

HEADERS = ("Subject", "From", "To", "Date")
"""Headers that precede the text."""

_HEADERS_OF_MESSAGES = (*HEADERS, "Message-ID", "Received", "MIME-Version", "Content-Type")

_SEPARATOR = b"From "
"""Beginning of the line before each message of a mailbox."""

_QUOTED_SEPARATOR = re.compile(rb"^>(>*From )", re.MULTILINE)

MAX_NESTED_PARTS = 50
"""Depth to which the parts of a message are read."""


class _Body(NamedTuple):
    """Text of a message with a HEADING_MARK before each heading, and the names of the parts that were not read."""

    text: str
    unread: list[str]


def read_message(path: AnyPath) -> Iterator[Item]:
    """Yield the subject, the sender, the recipients, the date and the text of a message."""
    content = read_document_bytes(path)
    yield document_item(*_read_message(content, path))


def read_mailbox(path: AnyPath) -> Iterator[Item | Unreadable]:
    """Yield each message of a mailbox in the format mbox, or an Unreadable if it cannot be read."""
    with open_file(path) as file:
        for number, content in enumerate(_split_mailbox(file, path), 1):
            name = f"{path}#{number}"
            if content is None:
                yield Unreadable(name, f"the message is larger than {MAX_DOCUMENT_BYTES >> 20} MiB")
                continue
            try:
                item = document_item(*_read_message(content, name))
            except Unreadable as error:
                yield error
                continue
            digest = hashlib.sha256(content).digest()
            yield Item(f"#{number}", item.content, None, str(path), digest, item.warning, item.sections)


def _split_mailbox(file: BinaryIO, path: AnyPath) -> Iterator[bytes | None]:
    """Yield the content of each message, or None if it is too large."""
    lines: list[bytes] = []
    size = 0
    is_first = is_after_blank = True
    while line := file.readline(MAX_DOCUMENT_BYTES):
        if is_after_blank and line.startswith(_SEPARATOR):
            if not is_first:
                yield _join_message(lines, size)
            lines, size, is_first = [], 0, False
        elif is_first:
            if line.strip():
                raise Unreadable(path, 'the file is not a mailbox: it does not begin with "From "')
        else:
            size += len(line)
            if size <= MAX_DOCUMENT_BYTES:
                lines.append(line)
            else:
                lines.clear()
        is_after_blank = not line.strip(b"\r\n")
    if is_first:
        raise Unreadable(path, "the file is empty")
    yield _join_message(lines, size)


def _join_message(lines: list[bytes], size: int) -> bytes | None:
    """Return the content of a message, without the marks before its lines that begin with "From "."""
    return _QUOTED_SEPARATOR.sub(rb"\1", b"".join(lines)) if size <= MAX_DOCUMENT_BYTES else None


def read_web_archive(path: AnyPath) -> Iterator[Item]:
    """Yield the title and the visible text of a web page that was saved with its images in one file."""
    content = read_document_bytes(path)
    message = _parse(content, path)
    pages = [part for part in message.walk() if part.get_content_type() == "text/html"]
    if not pages:
        raise Unreadable(path, "the file contains no web page")
    warning = f"not read: {count(len(pages) - 1, 'page')} in frames" if len(pages) > 1 else None
    text, sections = take_heading_marks(_part_text(pages[0], path))
    yield document_item(text, path, content, warning, sections)


def _parse(content: bytes, path: AnyPath) -> Message:
    """Return a message. Raise Unreadable if the content is not one."""
    try:
        message = message_from_bytes(content, policy=policy.compat32)  # other policies fail for malformed headers
    except Exception as error:  # the parser raises exceptions of several types for hostile files
        raise Unreadable(path, f"the message is damaged ({error or type(error).__name__})") from None
    if not any(name in message for name in _HEADERS_OF_MESSAGES):
        raise Unreadable(path, "the file is not an email message: it has no headers")
    return message


def _read_message(content: bytes, path: AnyPath) -> tuple[str, AnyPath, bytes, str | None, tuple[()]]:
    """Return the arguments of `document_item` for a message."""
    message = _parse(content, path)
    headers = [f"{name}: {value}" for name in HEADERS if (value := _header_text(message, name))]
    body = _read_part(message, path)
    text, _ = take_heading_marks(body.text)
    warning = f"not read: {', '.join(body.unread)}" if body.unread else None
    return "\n".join([*headers, "", text.strip()]), path, content, warning, ()


def _header_text(message: Message, name: str) -> str:
    """Return a header as a text on one line."""
    from email.header import decode_header, make_header

    value = str(message.get(name, ""))
    with suppress(Exception):  # an encoding that does not exist, for example
        value = str(make_header(decode_header(value)))
    return " ".join(value.encode("utf-8", "replace").decode().split())


def _read_part(part: Message, path: AnyPath, depth: int = 0) -> _Body:
    """Return the text of a part of a message and of the parts in it."""
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        if depth > MAX_NESTED_PARTS:
            return _Body("", ["deeply nested parts"])
        bodies = [_read_part(inner, path, depth + 1) for inner in part.get_payload() if isinstance(inner, Message)]
        if part.get_content_subtype() == "alternative":
            text = next((body.text for body in bodies if body.text.strip()), "")  # the plain text comes first
        else:
            text = "\n".join(body.text for body in bodies)
        return _Body(text, [name for body in bodies for name in body.unread])
    is_text = part.get_content_type() in ("text/plain", "text/html") and not _is_attachment(part)
    if not is_text:
        return _Body("", [_part_name(part)])
    try:
        return _Body(_part_text(part, path), [])
    except Unreadable as error:
        return _Body("", [f"a part of the text ({error.reason})"])


def _is_attachment(part: Message) -> bool:
    return str(part.get("Content-Disposition", "")).lower().startswith("attachment")


def _part_name(part: Message) -> str:
    """Return the file name of an attachment, or its type if it has no name."""
    with suppress(Exception):  # malformed parameters
        if name := part.get_filename():
            return " ".join(str(name).encode("utf-8", "replace").decode().split())
    return part.get_content_type()


def _part_text(part: Message, path: AnyPath) -> str:
    """Return the text of a part. HEADING_MARK precedes the headings of HTML."""
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    if not content.strip():
        return ""
    is_html = part.get_content_type() == "text/html"
    text = None
    with suppress(LookupError, ValueError):  # an encoding that does not exist, or is wrong
        text = content.decode(part.get_content_charset() or "ascii")
    if text is None:
        text = decode_text(content, path, None, declared_encoding(content) if is_html else None).text
    return extract_text(text) if is_html else text.replace("\r\n", "\n")
