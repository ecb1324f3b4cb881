"""Search the records of an application: build an index from items in memory, then add, remove, save, load and query.

    python examples/search_documents.py

The records are the help topics of Python.
"""

import tempfile
from pydoc_data.topics import topics

from aesearch import Item, Retriever


def main() -> None:
    records = [Item(id=f"topic/{name}", content=text) for name, text in topics.items()]
    # By default, fewer than 500 records are compared by their terms; with LSA, each takes 128 bytes.
    index = Retriever.build(records, coder="lsa", code_size=32)
    print(f"{len(index)} records, {index.store.bytes_per_item:.0f} bytes each")

    index.add([Item(id="memo/1", content="Generators yield one value at a time and keep their state in between.")])
    index.remove(["topic/specialnames"])

    with tempfile.TemporaryDirectory() as folder:
        index.save(folder)
        index = Retriever.load(folder)
        for query in ("a generator that yields values", "catch an exception"):
            print(f"\n{query}:")
            for hit in index.query(query, k=3):
                print(f"  {hit.id} (score {hit.score:.2f}): {hit.snippet.text if hit.snippet else ''}")


if __name__ == "__main__":
    main()
