"""Several languages by gloss: words of German, French, Spanish, Chinese, Japanese and Korean become plain English ones.

The grammar is tolerant of word order, so a word-by-word gloss is enough for the common asks; one table a language.
"""

import functools
import re
import tomllib
import unicodedata
from pathlib import Path

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
def _table(lang: str) -> dict[str, str]:
    """Foreign phrase -> English gloss."""
    data = tomllib.loads((_HERE / f"{lang}.toml").read_text(encoding="utf-8"))
    out: dict[str, str] = {}
    for gloss, phrases in data.items():
        for phrase in phrases.split():
            key = unicodedata.normalize("NFKC", phrase.replace("_", " "))
            if lang == "fr":  # elisions are opened in the text too
                key = re.sub(r"\bl (?=\w)", "le ", re.sub(r"\bd (?=\w)", "de ", key))
            out.setdefault(_fold(key).casefold() if lang in _LATIN else key, gloss)
    return out


@functools.cache
def glosses(lang: str) -> dict[str, tuple[str, ...]]:
    """English gloss -> the phrases of a language that mean it, as a person may write them.

    >>> "heller" in glosses("de")["brighter"]
    True
    """
    data = tomllib.loads((_HERE / f"{lang}.toml").read_text(encoding="utf-8"))
    return {gloss: tuple(phrase.replace("_", " ") for phrase in phrases.split()) for gloss, phrases in data.items()}


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
        gloss = _scan(text, _table(script))
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
    folded = _fold(_ELISION.sub(lambda m: "de " if m[0] == "d'" else "le " if m[0] == "l'" else f"{m[0][:-1]} ", text))
    words = re.findall(r"[^\W\d_]+", folded)
    if not words:
        return "en", text
    unknown = [w for w in words if w not in english and len(w) > 1]
    if not unknown:
        return "en", text
    best, score = "", 0
    for lang in _LATIN:
        known = {part for phrase in _table(lang) for part in phrase.split()}
        hits = sum(w in known for w in unknown)
        if hits > score:
            best, score = lang, hits
    if not best or score < 0.34 * len(unknown) or (score == 1 and (len(unknown) > 3 or _foreign_to(best, words) >= 3)):
        return "en", text
    own = sum(w in english and w not in _table(best) for w in words)
    mixed = own >= 3
    gloss = _replace(folded, _table(best), english if mixed else frozenset())
    return ("mixed" if mixed else best), gloss


def _foreign_to(lang: str, words: list[str]) -> int:
    """How many words the language's table does not know."""
    known = {part for phrase in _table(lang) for part in phrase.split()}
    return sum(w not in known for w in words)


def _replace(text: str, table: dict[str, str], keep: frozenset[str]) -> str:
    """Replace words by their gloss, longest phrase first; words in `keep` stay."""
    text = re.sub(r"(?<=[^\W\d_])[-/](?=[^\W\d_])", " ", text)
    tokens = _WORD.findall(text)
    words = [(i, t) for i, t in enumerate(tokens) if not t.isspace()]
    out: list[str] = []
    k = 0
    while k < len(words):
        for length in range(min(6, len(words) - k), 0, -1):
            phrase = " ".join(t for _, t in words[k : k + length])
            if phrase in table and not (length == 1 and phrase in keep):
                out.append(table[phrase])
                k += length
                break
        else:
            out.append(words[k][1])
            k += 1
    return re.sub(r"\s+([,.;!?])", r"\1", " ".join(part for part in out if part))
