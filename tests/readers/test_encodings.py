"""Texts of many languages are decoded in their own encodings. A warning says if that may be wrong, or fails in part."""

import codecs

import pytest

from aesearch.errors import InvalidParameter, Unreadable
from aesearch.readers import legacy_encodings, seven_bit
from aesearch.readers.encodings import check_encoding, decode_text, detect_encoding

DECLARATION = {  # article 1 of the Universal Declaration of Human Rights
    "Amharic": "የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው። የተፈጥሮ ማስተዋልና ሕሊና ስላለው አንዱ ሌላውን በወንድማማችነት መንፈስ መመልከት ይገባዋል።",
    "Arabic": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق، وقد وهبوا عقلا وضميرا وعليهم أن "
    "يعامل بعضهم بعضا بروح الإخاء.",
    "Chinese": "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
    "Croatian": "Sva ljudska bića rađaju se slobodna i jednaka u dostojanstvu i pravima. Ona su "
    "obdarena razumom i sviješću i trebaju jedna prema drugima postupati u duhu bratstva.",
    "Czech": "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni "
    "rozumem a svědomím a mají spolu jednat v duchu bratrství.",
    "French": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont "
    "doués de raison et de conscience et doivent agir les uns envers les autres dans un "
    "esprit de fraternité.",
    "German": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit "
    "Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit "
    "begegnen.",
    "Greek": "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. "
    "Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ "
    "τους με πνεύμα αδελφοσύνης.",
    "Hebrew": "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, "
    "לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחווה.",
    "Hindi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "Hungarian": "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, "
    "ésszel és lelkiismerettel bírván, egymással szemben testvéri szellemben kell hogy "
    "viseltessenek.",
    "Japanese": "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。人"
    "間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
    "Korean": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으"
    "로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
    "Latvian": "Visi cilvēki piedzimst brīvi un vienlīdzīgi savā pašcieņā un tiesībās. Viņi ir "
    "apveltīti ar saprātu un sirdsapziņu, un viņiem jāizturas citam pret citu brālības "
    "garā.",
    "Lithuanian": "Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis. Jiems suteiktas protas "
    "ir sąžinė ir jie turi elgtis vienas kito atžvilgiu kaip broliai.",
    "Polish": "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są "
    "oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu "
    "braterstwa.",
    "Romanian": "Toate fiinţele umane se nasc libere şi egale în demnitate şi în drepturi. Ele sunt "
    "înzestrate cu raţiune şi conştiinţă şi trebuie să se comporte unele faţă de altele "
    "în spiritul fraternităţii.",
    "Russian": "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены "
    "разумом и совестью и должны поступать в отношении друг друга в духе братства.",
    "Spanish": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados "
    "como están de razón y conciencia, deben comportarse fraternalmente los unos con los "
    "otros.",
    "Swedish": "Alla människor äro födda fria och lika i värde och rättigheter. De äro utrustade "
    "med förnuft och samvete och böra handla gentemot varandra i en anda av broderskap.",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
    "Traditional Chinese": "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心，並應以兄弟關係的精神互相對待。",
    "Turkish": "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana "
    "sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",
    "Ukrainian": "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені "
    "розумом і совістю і повинні діяти у відношенні один до одного в дусі братерства.",
}

LEGACY_ENCODINGS = {
    "Arabic": ["cp1256"],
    "Chinese": ["gb18030", "gbk"],
    "Croatian": ["cp1250"],
    "Czech": ["cp1250", "iso8859-2"],
    "French": ["cp1252"],
    "German": ["cp1252", "latin-1"],
    "Greek": ["cp1253", "iso8859-7"],
    "Hebrew": ["cp1255"],
    "Hungarian": ["cp1250", "iso8859-2"],
    "Japanese": ["cp932", "euc_jp", "iso2022_jp"],
    "Korean": ["cp949", "iso2022_kr"],
    "Latvian": ["cp1257"],
    "Lithuanian": ["cp1257"],
    "Polish": ["cp1250", "iso8859-2"],
    "Romanian": ["cp1250"],
    "Russian": ["cp1251", "koi8_r", "iso8859-5", "cp866"],
    "Spanish": ["cp1252"],
    "Swedish": ["cp1252"],
    "Thai": ["cp874"],
    "Traditional Chinese": ["big5"],
    "Turkish": ["cp1254"],
    "Ukrainian": ["cp1251", "koi8_u"],
}

LEGACY_CASES = [(language, encoding) for language, names in LEGACY_ENCODINGS.items() for encoding in names]


@pytest.mark.parametrize(("language", "encoding"), LEGACY_CASES)
def test_legacy_encoding_is_detected(language: str, encoding: str) -> None:
    text = DECLARATION[language]
    found = decode_text(text.encode(encoding), "file")
    assert found.text == text
    n_non_ascii = sum(not character.isascii() for character in text)
    assert found.warning is None or n_non_ascii < 20


@pytest.mark.parametrize(("language", "encoding"), LEGACY_CASES)
def test_short_legacy_text_is_right_or_has_a_warning(language: str, encoding: str) -> None:
    text = DECLARATION[language]
    for start in range(0, len(text) - 30, 10):
        part = text[start : start + 60]
        found = decode_text(part.encode(encoding), "file")
        assert found.text == part or found.warning, part


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("language", DECLARATION)
def test_unicode_is_certain_with_and_without_a_mark(language: str, encoding: str) -> None:
    for text in (DECLARATION[language], f"{DECLARATION[language]}\r\n" * 500, DECLARATION[language][:20] + "\n"):
        assert decode_text(text.encode(encoding), "file") == (text, None)


@pytest.mark.parametrize("language", [name for name in DECLARATION if name != "Spanish"])
def test_invalid_bytes_leave_the_rest_of_utf_8_intact(language: str) -> None:
    text = DECLARATION[language]
    content = text.encode()
    middle = len(text[: len(text) // 2].encode())
    for broken, n_replaced in (
        (content[:middle] + b"\xff" + content[middle:], 1),
        (b"\xe9" + content + b"\xc3", 2),
        ((content + b"\n") * 20 + b"caf\xe9", 1),
        (b"plain words " * 10_000 + content + b"\xe9", 1),
    ):
        found = decode_text(broken, "file")
        assert text[-20:] in found.text or broken.endswith(b"\xe9")
        assert found.text.count("\ufffd") == n_replaced
        assert found.warning is not None
        assert "not valid utf-8" in found.warning


def test_replacement_characters_of_the_author_are_no_errors() -> None:
    text = "a text that was damaged earlier: gr\ufffd\ufffden, größer, schöner"
    assert decode_text(text.encode(), "file") == (text, None)
    found = decode_text(text.encode() + b"\xff", "file")
    assert found.warning == "1 character is not valid utf-8 and was replaced"


def test_legacy_bytes_late_in_a_long_text_are_found() -> None:
    german = DECLARATION["German"] * 10
    found = decode_text(b"plain words all the way. " * 100_000 + german.encode("cp1252"), "file")
    assert found.text.endswith(german)


@pytest.mark.parametrize(("language", "encoding"), [("German", "cp850"), ("French", "mac_roman"), ("Polish", "cp852")])
def test_encodings_that_are_not_detected_have_a_warning(language: str, encoding: str) -> None:
    found = decode_text((DECLARATION[language] * 5).encode(encoding), "file")
    assert found.warning is not None
    assert "the encoding is uncertain" in found.warning
    assert "--encoding" in found.warning
    assert decode_text(DECLARATION[language].encode(encoding), "file", encoding) == (DECLARATION[language], None)


def test_named_encoding_is_used() -> None:
    text = DECLARATION["Czech"]
    assert decode_text(text.encode("mac_latin2"), "file", "mac_latin2") == (text, None)
    assert decode_text(b"a\x00b\x00", "file", "utf-16-le") == ("ab", None)
    assert decode_text("\ufefftext".encode(), "file", "utf-8") == ("text", None)
    found = decode_text(text.encode("cp1250"), "file", "ascii")
    assert found.warning is not None
    assert "characters are not valid ascii and were replaced" in found.warning


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF\x02\x01\x01\0\0\0\0", "zero bytes"),
        (b"words of a program\0\0\0\0and more words\0", "zero bytes"),
        (bytes(range(256)), "control characters"),
        (bytes([*range(1, 32), *range(128, 256)]) * 3, "control characters"),
    ],
    ids=["header", "strings", "all bytes", "controls"],
)
def test_binary_content_is_refused_with_a_remedy(content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=rf"not text \(it contains {reason}\); if it is, choose"):
        decode_text(content, "file")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_few_zero_bytes_are_replaced_by_spaces(encoding: str) -> None:
    text = DECLARATION["Russian"]
    for damaged in (f"{text}\0{text}\0\0", f"{text * 1000}\0\0\0"):
        found = decode_text(damaged.encode(encoding), "file")
        assert found.text == damaged.replace("\0", " ")
        assert found.warning == "3 zero bytes were replaced by spaces"


def test_text_with_terminal_sequences_is_read() -> None:
    text = "\x1b[31mred\x1b[0m \x07 größer \x08\x08"
    assert decode_text(text.encode(), "file") == (text, None)


def test_detection_reads_blocks_up_to_the_first_error() -> None:
    n_read = 0

    def blocks() -> object:
        nonlocal n_read
        for block in (b"plain ", DECLARATION["Russian"].encode("cp1251"), b" more", b" and more"):
            n_read += 1
            yield block

    assert detect_encoding(blocks(), "file").name == "windows-1251"  # type: ignore[arg-type]
    assert n_read == 3
    split = DECLARATION["Russian"].encode()
    assert detect_encoding([split[:31], split[31:]], "file") == ("utf-8", True)
    assert detect_encoding([], "file") == ("utf-8", True)


def test_declared_encoding_is_used_unless_the_content_contradicts() -> None:
    polish = DECLARATION["Polish"]
    assert decode_text(polish.encode("mac_latin2"), "file", declared="mac_latin2") == (polish, None)
    assert decode_text(polish.encode(), "file", declared="cp1252") == (polish, None)
    chinese = DECLARATION["Chinese"]
    assert decode_text(chinese.encode("gb18030"), "file", declared="ascii") == (chinese, None)


@pytest.mark.parametrize("encoding", ["utf-9", "base64", "rot13", "a\0b"])
def test_unknown_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(InvalidParameter, match="unknown encoding"):
        check_encoding(encoding)


@pytest.mark.parametrize("encoding", [None, "utf-8", "cp1252", "UTF-16", "Shift_JIS", "mac_roman"])
def test_known_encodings_are_accepted(encoding: str | None) -> None:
    check_encoding(encoding)


def test_detected_encodings_are_names_of_python() -> None:
    for name in (*legacy_encodings._PYTHON_NAMES.values(), *seven_bit._ISO_2022, "hz", "iso2022_kr", "utf-7"):
        codecs.lookup(name)
