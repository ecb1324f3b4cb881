"""Files become items.  Each reader is one function, `read(path) -> Iterator[Item | Unreadable]`.

A reader of one item a file yields an Item with an empty id; a reader of rows yields the row's own id or `#row`.  A file
that cannot be read is raised as Unreadable; a row that cannot is yielded, so that the rows after it are still read.
"""
