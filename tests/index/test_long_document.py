"""A question about a fact in a document of 500 pages finds the page."""

import random
from pathlib import Path

from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas

from aesearch.index.retriever import Retriever
from aesearch.items import Item

N_PAGES = 500
FACTS = {  # questions and answers share few words, often in other forms
    "When was the lighthouse rebuilt?": "After a storm, the keepers rebuilt the lighthouses in 1843.",
    "Who painted the ceiling of the chapel?": "The ceiling of the old chapel is a painting by Anna Lindqvist.",
    "How deep is the harbor?": "At low tide, the harbor has a depth of eleven meters.",
    "price of saffron": "In 1921, a pound of saffron cost as much as a horse.",
    "Which bird nests under the bridge?": "A pair of dippers has its nest beneath the stone bridge.",
    "temperature of the furnace": "Glass is melted in the furnace at 1,450 degrees.",
    "Erindale": "The mayor of Erindale opened the exhibition.",
    "Where is the archive of the museum?": "The museum moved its archives to a mine of salt.",
    "length of the tunnel in kilometers": "With 17 kilometers, it is the longest railway tunnel of the region.",
    "What do the beavers eat?": "In winter, beavers live on bark of willows.",
    "inventor of the zipper": "Gideon Sundback, an engineer, improved the zipper.",
    "Why did the orchestra strike?": "The orchestra went on strike because of unpaid rehearsals.",
    "vaccination of sheep": "The shepherds had all sheep vaccinated in May.",
    "How many steps lead to the tower?": "Visitors climb 311 steps to the top of the tower.",
    "chess champion": "The village schoolteacher became champion in chess twice.",
    "When do the tulips bloom?": "Tulips are in bloom from the middle of April.",
    "earthquake damage": "The earthquake damaged two churches and a brewery.",
    "What is the comet named after?": "The comet bears the name of a watchmaker.",
    '"red sandstone" quarry': "Blocks of red sandstone came from a quarry near the river.",
    "recipe for plum jam": "For the jam, stew the plums with cinnamon overnight.",
}


def write_pdf(path: Path, documents: list[Item]) -> dict[str, int]:
    """Write a PDF of 500 pages of documentation, each fact on one of them, and return the pages of the questions."""
    rng = random.Random(0)
    words = " ".join(str(item.content) for item in documents).split()
    pages = dict(zip(FACTS, rng.sample(range(1, N_PAGES + 1), len(FACTS)), strict=True))
    facts = {pages[question]: fact for question, fact in FACTS.items()}
    canvas = Canvas(str(path), pagesize=A5)
    for number in range(1, N_PAGES + 1):
        start = rng.randrange(len(words) - 150)
        lines = [" ".join(words[first : first + 10]) for first in range(start, start + 150, 10)]
        if number in facts:
            lines.insert(7, facts[number])
        text = canvas.beginText(20, 560)
        for line in lines:
            text.textLine(line.encode("latin-1", "replace").decode("latin-1"))
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return pages


def test_page_of_a_fact_is_found(documents: list[Item], tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    pages = write_pdf(tmp_path / "library" / "chronicle.pdf", documents)
    for number in range(12):
        (tmp_path / "library" / f"note{number}.txt").write_text(str(documents[number].content))
    index = Retriever.build(tmp_path / "library")
    hits = {question: index.query(question)[0] for question in FACTS}
    right = [question for question, hit in hits.items() if (hit.id, hit.page) == ("chronicle.pdf", pages[question])]
    assert len(right) >= 18, {question: hits[question].snippet for question in FACTS if question not in right}
    assert sum(FACTS[question][:20] in (hits[question].snippet or ("",))[0] for question in right) >= 16
