"""Several languages by gloss: words of German, French, Spanish, Chinese, Japanese and Korean become plain English ones.

The grammar is tolerant of word order, so a word-by-word gloss is enough for the common asks; one table a language. What English
says before its noun and others behind it (all but this, not that, less of it) is put in order by `order.toml`.
"""

import functools
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_LATIN = ("de", "fr", "es")
_ELISION = re.compile(r"\b(?:l|d|qu|j|m|t|s|c|n)'(?=[^\W\d_])")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,/]\d+)?|\s+|.")


def _fold(text: str) -> str:
    """Without accents.

    >>> _fold("größer, más, château")
    'großer, mas, chateau'
    """
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@functools.cache
def _order() -> dict[str, Any]:
    """`order.toml`."""
    return tomllib.loads((_HERE / "order.toml").read_text(encoding="utf-8"))


@functools.cache
def _simplified() -> dict[int, str]:
    """Traditional characters -> simplified ones."""
    return {ord(pair[0]): pair[1] for pair in _order()["characters"]["traditional"].split()}


def _simple(text: str) -> str:
    """Chinese in simplified characters.

    >>> _simple("對比度太強")
    '对比度太强'
    """
    return text.translate(_simplified())


@functools.cache
def _table(lang: str) -> dict[str, str]:
    """Foreign phrase -> English gloss."""
    data = tomllib.loads((_HERE / f"{lang}.toml").read_text(encoding="utf-8"))
    out: dict[str, str] = {}
    for gloss, phrases in data.items():
        for phrase in phrases.split():
            key = unicodedata.normalize("NFKC", phrase.replace("_", " "))
            if lang == "fr":  # elisions are opened in the text too
                key = re.sub(r"\bl (?=\w)", "le ", re.sub(r"\bd (?=\w)", "de ", key))
            out.setdefault(_fold(key).casefold() if lang in _LATIN else _simple(key) if lang == "zh" else key, gloss)
    return out


@functools.cache
def glosses(lang: str) -> dict[str, tuple[str, ...]]:
    """English gloss -> the phrases of a language that mean it, as a person may write them.

    >>> "heller" in glosses("de")["brighter"]
    True
    """
    data = tomllib.loads((_HERE / f"{lang}.toml").read_text(encoding="utf-8"))
    return {gloss: tuple(phrase.replace("_", " ") for phrase in phrases.split()) for gloss, phrases in data.items()}


@functools.cache
def _names() -> dict[str, str]:
    """Parts of patterns in `order.toml` by name."""
    names: dict[str, str] = {}
    for name, pattern in _order()["names"].items():
        names[name] = _named(pattern, names)
    return names


def _named(pattern: str, names: dict[str, str]) -> str:
    """The pattern with the names in braces filled in."""
    return re.sub(r"\{([a-z]+)\}", lambda m: names[m[1]], pattern)


@functools.cache
def _rules(stage: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The rules of a stage of `order.toml`: a language, its "... accents", "gloss", "complaint" or "last"."""
    data = _order()
    accents = {f"{lang} accents": rules for lang, rules in data["accents"].items()}
    rules = (data["languages"] | data["english"] | accents).get(stage, ())
    return tuple((re.compile(_named(pattern, _names())), instead) for pattern, instead in rules)


@functools.cache
def _says(name: str) -> re.Pattern[str]:
    """A named pattern of whole words."""
    return re.compile(_names()[name])


def _put(text: str, stage: str) -> str:
    """The text by the rules of a stage."""
    for pattern, instead in _rules(stage):
        text = pattern.sub(instead, text)
    return text


def settle(gloss: str) -> str:
    """A gloss in the order that the grammar reads: what is forbidden left out, and complaints told from wishes.

    >>> settle("contrast ~down a bit, sky not brighter, photo looks yellow")
    'a bit less contrast, do not touch the sky, photo looks too yellow'
    """
    gloss = re.sub(r" +", " ", _put(gloss, "gloss"))
    parts = re.split(r"([,.;!?\n]|\bbut\b|\band (?=not\b))", gloss)
    asked = False
    for i in range(0, len(parts), 2):
        parts[i] = _complaint(_allowed(parts[i].strip(), asked))
        asked = asked or bool(parts[i])
    return re.sub(r" +", " ", _put(" ".join(part for part in parts if part), "last")).strip()


def _allowed(clause: str, asked: bool) -> str:
    """A clause as it is, or what stays of it when it forbids a change: nothing, or the place to keep.

    `asked`: something was asked for before, so that "not too bright" is a caution.
    """
    if "~over" in clause:
        return ""
    if re.search(r"\bnot too$", clause):
        return clause[: -len("not too")]
    if over := re.search(r"^(.*?)\bnot too (?!much\b)(?:more )?(.+)$", clause):
        kept = over[1] if _says("changes").search(over[1]) else ""
        return kept if asked or kept else f"{over[1]}less {over[2]}"
    if "~not" not in clause and not (_says("forbids").search(clause) and _says("changes").search(clause)):
        return clause
    place = _says("places").search(clause)
    return f"do not touch the {place[1]}" if place else ""


def _complaint(clause: str) -> str:
    """A clause as it is, or with "too" when it only says how something looks.

    >>> _complaint("skin yellow"), _complaint("make skin yellow"), _complaint("it is a bit bright")
    ('skin too yellow', 'make skin yellow', 'it is a bit too bright')
    """
    return clause if _says("making").search(clause) else _put(clause, "complaint")


def translate(text: str, english: frozenset[str]) -> tuple[str, str]:
    """The language of a plain text and its English gloss; English itself comes back unchanged.

    `english`: words that count as English.

    >>> translate("把天空调蓝一点", frozenset())
    ('zh', 'make sky blue a bit')
    >>> translate("make the sky bluer", frozenset("make the sky bluer".split()))
    ('en', 'make the sky bluer')
    """
    script = _script(text)
    if script:
        ordered = _put(_simple(text) if script == "zh" else text, script)
        gloss = settle(_scan(ordered, _table(script)))
        latin = [w for w in re.findall(r"[a-z]{2,}", text) if w in english]
        return ("mixed" if len(latin) >= 2 else script), gloss
    return _latin(text, english)


def _script(text: str) -> str:
    hangul = sum("가" <= c <= "힣" for c in text)
    kana = sum("぀" <= c <= "ヿ" for c in text)
    han = sum("一" <= c <= "鿿" for c in text)
    if hangul + kana + han < 2 and not (hangul + kana + han and len(text) <= 3):
        return ""
    return "ko" if hangul >= max(kana, han) else "ja" if kana else "zh"


def _scan(text: str, table: dict[str, str]) -> str:
    """Longest match from left to right, through text without spaces; what is unknown falls away."""
    longest = max(map(len, table))
    out: list[str] = []
    i = 0
    while i < len(text):
        for length in range(min(longest, len(text) - i), 0, -1):
            piece = text[i : i + length]
            if piece in table:
                out.append(table[piece])
                i += length
                break
        else:
            if text[i].isascii():
                if out and out[-1] and i and text[i - 1].isascii() and not text[i].isspace():
                    out[-1] += text[i]
                else:
                    out.append(text[i].strip())
            elif unicodedata.category(text[i])[0] == "P":
                out.append(",")
            i += 1
    return re.sub(r"\s+", " ", " ".join(part for part in out if part)).strip()


def _latin(text: str, english: frozenset[str]) -> tuple[str, str]:
    opened = _ELISION.sub(lambda m: "de " if m[0] == "d'" else "le " if m[0] == "l'" else f"{m[0][:-1]} ", text)
    folded = _fold(opened)
    words = re.findall(r"[^\W\d_]+", folded)
    if not words:
        return "en", text
    accented = {_fold(w) for w in re.findall(r"[^\W\d_]+", opened) if _fold(w) != w}
    unknown = [w for w in words if (w not in english or w in accented) and len(w) > 1]
    if not unknown and words[0] == "plus" and len(words) > 1 and _words("fr").issuperset(words):
        return "fr", settle(_replace(folded, "fr", frozenset()))  # "plus net": English knows both words
    if not unknown:
        return "en", text
    hits = {
        lang: tuple(sum(_base(lang, w) in _words(lang) for w in some) for some in (unknown, words)) for lang in _LATIN
    }
    best = max(_LATIN, key=lambda lang: hits[lang])
    score = hits[best][0]
    polite = all(_table(best).get(w) == "please" for w in unknown)
    lone = score == 1 and not polite and (len(unknown) > 3 or _foreign_to(best, words) >= 3)
    if not score or score < 0.34 * len(unknown) or lone:
        return "en", text
    own = sum(w in english and w not in _table(best) for w in words)
    mixed = own >= 3
    gloss = settle(
        _replace(_put(_fold(_put(opened, f"{best} accents")), best), best, english if mixed else frozenset())
    )
    return ("mixed" if mixed else best), gloss


def _foreign_to(lang: str, words: list[str]) -> int:
    """How many words the language's table does not know."""
    return sum(_base(lang, w) not in _words(lang) for w in words)


@functools.cache
def _words(lang: str) -> frozenset[str]:
    """The words of a language's phrases."""
    return frozenset(part for phrase in _table(lang) for part in phrase.split())


#: Endings of a form, and what stands for them in the one that the table has.
_ENDINGS = {
    "de": (("e$", ""), ("en$", ""), ("em$", ""), ("es$", ""), ("n$", ""), ("s$", ""),
           ("eren$", "er"), ("erem$", "er"), ("eres$", "er"), ("ere$", "er"), ("st$", "")),
    "fr": (("s$", ""), ("x$", ""), ("es$", ""), ("e$", ""), ("ez$", "er"), ("ez$", "e"), ("issez$", "is"), ("ons$", "er")),
    "es": (("s$", ""), ("a$", "o"), ("as$", "o"), ("os$", "o"), ("es$", ""), ("(?:me)?(?:l[aeo]s?|me)$", ""),
           ("ito$", "o"), ("ita$", "o"), ("e$", "ar"), ("a$", "ar")),
}  # fmt: skip


@functools.cache
def _base(lang: str, word: str) -> str:
    """A word as the table has it, or as it is.

    >>> _base("de", "schaerferes"), _base("es", "iluminalo"), _base("fr", "floutes")
    ('schaerfer', 'ilumina', 'floute')
    """
    known = _words(lang)
    if word in known or len(word) < 4:
        return word
    plain = re.sub(r"(?<=[aou])e", "", word) if lang == "de" else word
    forms = (
        re.sub(end, instead, spelled) for spelled in (word, plain) for end, instead in (("$", ""), *_ENDINGS[lang])
    )
    return next((form for form in forms if len(form) > 2 and form != word and form in known), word)


def _replace(text: str, lang: str, keep: frozenset[str]) -> str:
    """Replace words by their gloss, longest phrase first; words in `keep` stay."""
    table = _table(lang)
    text = re.sub(r"(?<=[^\W\d_])[-/](?=[^\W\d_])", " ", text)
    tokens = _WORD.findall(text)
    words = [t if t in keep else _base(lang, t) for t in tokens if not t.isspace()]
    out: list[str] = []
    k = 0
    while k < len(words):
        for length in range(min(6, len(words) - k), 0, -1):
            phrase = " ".join(words[k : k + length])
            if phrase in table and not (length == 1 and phrase in keep):
                out.append(table[phrase])
                k += length
                break
        else:
            out.append(words[k])
            k += 1
    return re.sub(r"\s+([,.;!?])", r"\1", " ".join(part for part in out if part))
