"""Text as people type it, made plain: one spelling for what means the same, without anything that could do harm.

Case, Unicode look-alikes, emoji, links, markup, control characters and repeated spaces never change a plan.
"""

import html
import re
import unicodedata

#: Longer messages are cut here: nobody asks for more in one breath, and time stays bounded.
MAX_CHARACTERS = 4_000

_LINK = re.compile(r"\b(?:https?|ftp)://\S+|\bwww\.\S+")
_MARKUP = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>|<[^<>]{0,400}>", re.S)
_LABEL = re.compile(r"[\[(]\s*(?:specific|random|request|meta|serious|paid|nsfw)\s*[\])]|^\s*photoshop request\s*:?")
_TOKEN = re.compile(
    r"\d+0 ?s\b|[+\-]?\d+\s*/\s*\d+(?!\d)|[+\-]?\d+(?:[.,]\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*|[%.,;:!?&/()\n]|[+\-](?=\s*\d)|\+"
)

_SPELLED_OUT = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "don't": "do not", "dont": "do not",
    "doesn't": "does not", "doesnt": "does not", "didn't": "did not", "isn't": "is not", "isnt": "is not",
    "aren't": "are not", "arent": "are not", "wasn't": "was not", "wasnt": "was not", "weren't": "were not",
    "couldn't": "could not", "shouldn't": "should not", "it's": "it is", "that's": "that is", "there's": "there is",
    "what's": "what is", "he's": "he is", "she's": "she is", "i'd": "i would", "i'm": "i am", "im": "i am",
    "we're": "we are", "they're": "they are", "i've": "i have", "let's": "let us", "lets": "let us", "cant": "can not",
    "plz": "please", "pls": "please", "w/o": "without", "w/": "with", "n't": "not", "here's": "here is",
    "theres": "there is", "thats": "that is", "pleaseee": "please", "wont": "will not", "whats": "what is",
}  # fmt: skip

#: A frequent slip: "everything expect the sky".
_EXPECT = re.compile(r"\b(all|everything|everyone|people|background|image|photo|picture|else) expect\b")
#: One spelling of what whole phrases turn on, also mistyped: "remove the colour", "balck and wite".
_COLOUR = re.compile(r"\bcolour(?=s?\b)")
_BLACK_AND_WHITE = re.compile(
    r"\b(?:bl[ac]?c?k|blakc|balck|blac|blask)s? (?:and|an|adn|nd|n|&) (?:whit?e|wh?ite?|whtie|withe|wihte)\b"
)
_SHORT_FORM = re.compile(r"\b[a-z]+(?:'[a-z]+)?\b|\bw/o?(?= )")
_FRACTIONS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4"}


def plain(text: str) -> str:
    """One canonical form: NFKC, lower case, without markup, links, emoji, controls or repeated spaces.

    >>> plain("  Brighten  the SKY \\u200b<b>please</b> 😀 https://x.y/z ")
    'brighten the sky please'
    """
    for sign, digits in _FRACTIONS.items():
        text = text.replace(sign, digits)
    text = unicodedata.normalize("NFKC", html.unescape(text[: 4 * MAX_CHARACTERS])).casefold()
    text = text.translate({0x2019: "'", 0x2018: "'", 0x60: "'", 0xB4: "'", 0x2013: "-", 0x2014: " - ", 0x2212: "-"})
    text = _LINK.sub(" ", _MARKUP.sub(_markup, text))
    text = "".join(c if _kept(c) else "" if unicodedata.category(c) == "Cf" else " " for c in text)
    text = re.sub(r"\b(?:excepts|exept|excpet|execpt|exce?pting)\b", "except", text)
    text = _BLACK_AND_WHITE.sub("black and white", _COLOUR.sub("color", text))
    text = _EXPECT.sub(r"\1 except", _LABEL.sub(" ", text))
    text = _SHORT_FORM.sub(lambda m: _SPELLED_OUT.get(m[0], m[0]), text)
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n[\n ]*", "\n", text).strip()[:MAX_CHARACTERS]


def _markup(match: re.Match[str]) -> str:
    """Markup falls away; tags that speak to a machine stay visible as such."""
    return " system: " if re.match(r"</?(?:system|assistant|user|tool|inst|prompt|instructions?)\b", match[0]) else " "


def _kept(character: str) -> bool:
    """Letters, digits, marks and common punctuation; not controls, private use, symbols such as emoji."""
    category = unicodedata.category(character)
    return character == "\n" or category[0] in "LNMPZ" or character in "+%$<>=~|^"


def words(plain_text: str) -> list[str]:
    """Tokens of a plain text: words, signed numbers, fractions and the punctuation that separates clauses.

    >>> words("don't over-expose: +0.3, 1/3 stop")
    ['do', 'not', 'overexpose', ':', '+0.3', ',', '1/3', 'stop']
    """
    text = re.sub(r"\b(over|under|de|un|re|bright|light)-(?=[a-z])", r"\1", plain_text)
    text = re.sub(r"\bb\s*[&/+]\s*w\b", "black and white", text)
    text = re.sub(r"(?<=\d)(?=[a-z])(?!(?<=0)s\b)", " ", text)
    tokens: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match.group().replace(" ", "")
        if token in _SPELLED_OUT:
            tokens += _SPELLED_OUT[token].split()
        elif token.endswith("'s") and len(token) > 3:
            tokens += [token[:-2], "'s"]
        elif token == "\n":
            tokens.append(".")
        else:
            tokens.append(token.rstrip("'"))
    return tokens
