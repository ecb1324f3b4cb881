"""Readers turn files into items, one module per format.

A reader is one function, `read(path, ...) -> Iterator[Item | Unreadable]`, and one entry of `aesearch.catalog.READERS`. Two
calls for an unchanged file yield the same items in the same order. Every item has its content, the path and the digest:
SHA-256 of the file or, for a row, of the row's content.

A reader of one item per file (catalog: no `layout`)
    yields exactly one item. Its id is empty; `FileCollection` replaces it with the path. A reader of images takes a `size`
    keyword, (width, height) or None, and resizes the image to it.
A reader of many items per file (catalog: a `layout`)
    yields one item per row. The id is the row's own, or `#` and the row's number. A reader of a table takes a `fields`
    keyword, a `TableFields`.
A reader of text (catalog: `decodes_text`)
    takes an `encoding` keyword, a name or None, and detects the encoding if it is None.

Errors
    Nothing is lost without a word. If a file cannot be read, the reader raises Unreadable, possibly after some rows. If one
    row cannot be read, the reader yields Unreadable in its place and continues. If a part of an item is missing, or may be
    wrong, `Item.warning` says which. OSError means that the file cannot be opened, MissingExtra that a library is not
    installed; a later run tries such files again. `files.read_file` turns every exception into an Unreadable.

A reader that is slow, or may crash the process, is marked `is_isolated` in the catalog, and `FileCollection` runs it in a
worker process. Such a reader yields one item per file. All others run in a thread, so that a file which does not answer in
time stops nobody.
"""
