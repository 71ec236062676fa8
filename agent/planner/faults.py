"""What people say is wrong, said as too much of it: "her face is red and shiny" asks for less red, not for more.

The grammar takes a colour or an attribute that stands in a sentence for what is wanted, and "too" for a complaint. People leave
"too" out where the fault is plain to them. A clause that says how something *is*, and is no wish for how it should become, is a
complaint; so is what a lamp or a camera has made of something.
"""

import re
from typing import Final

_TINGE: Final = (
    r"(?:red(?:dish)?|green(?:ish)?|blue(?:ish)?|bluish|yellow(?:ish)?|orange(?:y|ish)?|purple(?:ish)?|pink(?:ish)?"
    r"|magenta|brown(?:ish)?|(?:red|green|blue|yellow|orange|purple|pink|brown)[ -]ish)"
)
_POOR: Final = (
    r"(?:dark(?:ish)?|dim|under ?exposed|over ?exposed|bright|grainy|noisy|blurry|blurred|fuzzy|hazy|foggy|flat|dull"
    r"|washed out|faded|muddy|dingy|pixelated|pale|lifeless|shaky|contrasty|saturated|over ?saturated|out of focus"
    r"|shiny|shine|blown out|warm|cold|harsh|dreary|drab)"
)
_FAULT: Final = rf"(?:{_TINGE}|{_POOR})"
_MORE: Final = (
    r"(?:very|so|really|super|way|extremely|totally|completely|all|pretty|quite|rather|kind of|kinda|sort of|just"
    r"|also|far)"
)
_LESS: Final = r"(?:a (?:little )?(?:bit|little|tad|touch)|a bit of|slightly|somewhat|little|bit)"
_HOW: Final = rf"(?:(?:{_MORE}|{_LESS}|too|to) )*"
_JOIN: Final = r"(?: ?, ?(?:and |but )?| and | n | & | ?/ ?| but | yet )"
_LIST: Final = rf"{_HOW}{_FAULT}(?:{_JOIN}{_HOW}{_FAULT})*"

_ARTICLE: Final = r"(?:the|my|her|his|their|our|this|that|these|those|all the|(?:the )?\w+'s)"
_WHAT: Final = (
    rf"(?:it|this|that|everything|everyone|they|he|she|i|we|{_ARTICLE} (?:[\w']+ ){{0,2}}?\w+|[\w']+(?: \w+)?)"
)
_IS: Final = r"(?:is|are|was|were|am|got|gets|has gone|feels?|it is)"
_LOOKS: Final = (
    r"(?:looks?|looked|seems?|appears?|came out|comes out|turned out|turned|went|ended up|has turned|have turned)"
)
_FIRST: Final = (
    r"(?:(?:hi|hey|hello|ok|well|so|also|sorry|ugh|hmm|but|and|because|since|unfortunately|somehow|please|i think|"
    r"i feel like|i find|for some reason),? )*"
)
#: Where a statement ends: what follows tells why, or begins something else.
_TILL: Final = (
    r"(?= *(?:$|[.,;!?\n]|(?:and |so |but )?(?:please|can|could|would|fix|correct|help|make|try|any|i|we|lacks?|needs?)\b"
    r"|(?:in|on|at|around|along|near|to|for me)\b))"
)
_WHY: Final = (
    r"(?: (?:because|cuz|cause|bc|from|due|thanks|after|over the|under|since|when|with all|with age|like)\b"
    r"[^.,;!?\n]*)?"
)

_STATEMENT: Final = re.compile(
    rf"(?P<before>^|[.;!?\n] ?|, ?|\bbut |\bbecause |\bsince |\bwhile |\band (?=(?:it|this|everything) ))(?P<first>{_FIRST})"
    rf"(?P<what>{_WHAT}) "
    rf"(?:also |just |all )?(?P<verb>{_IS}|{_LOOKS}) (?P<faults>{_LIST})(?: tones?| tinted| colou?red)?{_WHY}{_TILL}"
)
#: Without a subject: "dark and grainy", "noisy, blurry and yellow".
_BARE: Final = re.compile(
    rf"(?P<before>^|[.;!?\n] ?)(?P<first>{_FIRST})(?P<faults>{_HOW}{_POOR}(?:{_JOIN}{_HOW}{_FAULT})+)"
    rf"(?:,? (?:photo|picture|image|pic|shot))?{_TILL}"
)
#: "Windows blown out, rooms dark": one of them is a fault for certain.
_CERTAIN: Final = r"(?:under ?exposed|over ?exposed|blown out|washed out|grainy|noisy|blurry|hazy|too \w+)"
_PAIR: Final = re.compile(
    rf"^(?P<one>(?:{_ARTICLE} )?\w+) (?P<a>{_HOW}{_POOR})(?: ?[,;] ?(?:and |but )?| and | but )"
    rf"(?P<two>(?:{_ARTICLE} )?\w+) (?P<b>{_HOW}{_POOR}){_TILL}"
)
_MADE: Final = re.compile(
    r"(?P<before>^|[.;!?\n] ?|, ?|\bbut )(?P<who>(?!make\b)(?:(?:the|my|these|those|this|that|his|her|some) )?"
    r"(?:\w+ ){0,3}?\w+) "
    rf"(?:has |have )?(?:made|makes|turned|left|painted) (?P<what>it|everything|everyone|him|her|them|me|us|people"
    rf"|this one|{_ARTICLE} (?:\w+ )?\w+|\w+)(?: all)?(?: look(?:s|ing)?| appear)? (?P<faults>{_LIST}){_WHY}{_TILL}"
)
#: A print that "has gone all magenta over the years", in whatever sentence.
_GONE: Final = re.compile(
    rf"\b(?:(?:has|have|had) (?:gone|turned|faded to)|went|gone) (?P<faults>{_LIST}){_WHY}{_TILL}"
)
#: "Took this in the rain, super blurry": a fault alone, and how much of it, after what is no wish.
_ALONE: Final = re.compile(rf"(?P<before>^|[.,;!?\n] ?)(?P<faults>(?:(?:{_MORE}|{_LESS}) )+{_POOR}){_TILL}")
_WISH: Final = re.compile(
    r"\b(?:make|want|need|add|give|turn|change|more|less|brighten|darken|increase|decrease|boost|lower|raise|get|keep|look)\b"
)
#: "The shirt is pink but should be white", "grass is brown, make it green", "the snow should be white, not blue".
_COLOUR: Final = (
    r"(?:red|green|blue|yellow|orange|purple|pink|brown|white|black|gr[ae]y|silver|gold|golden|beige|teal|turquoise"
    r"|cyan|navy)"
)
_BLAMED: Final = rf"(?P<what>(?:{_ARTICLE} )?\w+(?: \w+)?) (?:{_IS}|{_LOOKS}) {_HOW}(?:{_TINGE}|{_COLOUR})"
_RATHER: Final = re.compile(
    rf"{_BLAMED}(?: and \w+)?(?: ?, ?| )(?:but |and )?"
    r"(?:(?:it |they )?(?:should|must|needs? to|ought to|(?:is|are|was|were) supposed to) be"
    r"|(?:please )?(?:make|turn) (?:it|them)|(?:i |we )?(?:would love|would like|want|prefer) (?:it|them)(?: to be)?) "
    rf"(?:more )?(?P<colour>{_COLOUR})\b"
)
_INSTEAD: Final = re.compile(rf"{_BLAMED} (?:instead of|rather than|and not|not) (?P<colour>{_COLOUR})\b")
_SHOULD: Final = re.compile(
    rf"(?P<what>(?:{_ARTICLE} )?\w+(?: \w+)?) (?:should|must|ought to|(?:is|are) supposed to) (?:be|look) (?P<colour>{_COLOUR})"
    rf"(?:,? (?:and )?(?:not|instead of|rather than) {_HOW}{_COLOUR}"
    rf"|, ?(?:but )?(?:it|they|its|it is) (?:{_IS} |{_LOOKS} )?{_HOW}{_COLOUR})?(?= *(?:$|[.,;!?\n]))"
)
#: "Darker than I wanted", "the background is brighter than the subject".
_THAN: Final = re.compile(
    rf"(?P<before>^|[.;!?\n] ?|, ?|\bbut )(?P<first>{_FIRST})(?:(?P<what>{_WHAT}) (?:{_IS}|{_LOOKS}) )?"
    r"(?:(?:a lot|much|way|far|a bit|a little|slightly) )?"
    r"(?P<more>darker|brighter|lighter|warmer|cooler|colder|sharper|softer|redder|yellower|bluer|greener|grainier|noisier)"
    r" than (?:(?:i|we|it|they|he|she) (?:wanted|want|expected|like|liked|hoped|remember|would like|should(?: be)?|was|were"
    r"|really was)"
    r"|expected|in real life|in person|(?:the|his|her|my|everyone|everything)\b[^.,;!?\n]*)(?= *(?:$|[.,;!?\n]))"
)
_PLAIN_FORM: Final = {"redder": "red", "grainier": "grainy", "noisier": "noisy", "bluer": "blue", "lighter": "bright"}

_FAULTS: Final = re.compile(rf"(?P<how>{_HOW})(?P<fault>{_FAULT})")
_ISH: Final = re.compile(r"^(red|green|blue|yellow|orange|purple|pink|brown)(?:d?ish|y|[ -]ish)$|^(bluish)$")
_PHOTO: Final = re.compile(
    r"^(?:it|this|that|(?:the |my |this |all the )?(?:whole |old |entire )?(?:photos?|pictures?|images?|pics?|shots?|lighting"
    r"|lights?|colou?rs?|tones?|white balance|wb|whites|scan|selfie|print))$"
)
_SOMEBODY: Final = re.compile(r"^(?:he|she|i|we|him|her|me|us)$")
#: What is described by a colour as often as it is blamed for it, and what has its colour by nature.
_OWN: Final = re.compile(
    r"\b(?:dress|shirt|coat|hat|car|jacket|suit|flowers?|rose|bike|bus|truck|house|door|logo|sign|hair|eyes|background|bag|shoes?|"
    r"curtains?|balloons?|text|frame|box|pants|jeans|tie|scarf|circle|ball|paint|lipstick|lips)$"
)
_NATURE: Final = re.compile(
    r"\b(?:sky|skies|water|sea|ocean|lake) blue$|\b(?:grass|trees?|leaves|lawn|plants?|vegetation) green$"
    r"|\bsand yellow$|\bsunset \w+$"
)
#: A subject that is none: the beginning of a wish, of a question or of a clause of purpose.
_NO_SUBJECT: Final = re.compile(
    r"^(?:so|until|if|where|what|which|who|make|making|only|when|like|that|want|have|having|keep|not|is|are|can|could|"
    r"would|should|let|get|give|and|or|but|as|why|how|desired)\b|\b(?:so|that|which|who|make|until|where|if|like|desired|as)\b"
    r"|\b(?:left|right)(?: (?:photo|picture|image|one))?$"
)


def named(text: str) -> str:
    """A plain request in which what is complained of is said with "too".

    >>> named("her skin is yellow and shiny")
    'her skin is too yellow. her skin is too shiny'
    >>> named("dark and grainy")
    'the photo is too dark. the photo is too grainy'
    >>> named("snow is blue, make it white")
    'make snow white'
    >>> named("make the water look blue"), named("darken it so the sky is yellow")
    ('make the water look blue', 'darken it so the sky is yellow')
    """
    text = re.sub(r"\bthe whites (?:in|of|on) (?=the |her |his |my )", "", text)
    text = _PAIR.sub(_paired, text)
    text = re.sub(rf"\bits (?={_LIST} *(?:$|[.,;!?\n]|can\b|please\b))", "it is ", text)
    for wanted in (_RATHER, _INSTEAD, _SHOULD):
        text = wanted.sub(_wanted, text)
    text = _THAN.sub(_than, text)
    text = _MADE.sub(_made, text)
    text = _STATEMENT.sub(_stated, text)
    text = _GONE.sub(lambda m: ", " + _too("it", m["faults"]), text)
    text = _ALONE.sub(_alone, text)
    return _BARE.sub(lambda m: m["before"] + _too("it", m["faults"]), text)


def _alone(match: re.Match[str]) -> str:
    return match[0] if _WISH.search(match.string[: match.start()]) else match["before"] + _too("it", match["faults"])


def _paired(match: re.Match[str]) -> str:
    if re.search(_IS, match["one"]) or not re.search(_CERTAIN, match[0]):
        return match[0]
    return f"{_too(match['one'], match['a'])}. {_too(match['two'], match['b'])}"


def _wanted(match: re.Match[str]) -> str:
    if _NO_SUBJECT.search(match["what"]):
        return match[0]
    what = "the photo" if _PHOTO.search(match["what"]) else match["what"]
    return f"make {what} {match['colour']}"


def _than(match: re.Match[str]) -> str:
    what = match["what"] or "it"
    if _NO_SUBJECT.search(what):
        return match[0]
    word = match["more"]
    return match["before"] + _too(what, _PLAIN_FORM.get(word) or re.sub(r"er$", "", word))


def _made(match: re.Match[str]) -> str:
    if _NO_SUBJECT.search(match["who"]) or _NO_SUBJECT.search(match["what"]):
        return match[0]
    return match["before"] + _too(match["what"], match["faults"])


def _stated(match: re.Match[str]) -> str:
    what, faults = match["what"], match["faults"]
    if _NO_SUBJECT.search(what) or re.search(r"\bto\b", what):
        return match[0]
    tinged = re.search(_TINGE, faults) is not None
    if tinged and "too" not in faults:
        if re.fullmatch(_IS, match["verb"]) and _OWN.search(what):
            return match[0]
        if _NATURE.search(f"{what} {faults.split()[-1]}"):
            return match[0]
    return match["before"] + _too(what, faults)


def _too(what: str, faults: str) -> str:
    said = []
    for found in _FAULTS.finditer(faults):
        fault = found["fault"]
        fault = "shiny" if fault == "shine" else fault
        if ish := _ISH.match(fault):
            fault = ish[1] or "blue"
        how = "a bit " if re.search(_LESS, found["how"]) else ""
        said.append(f"{_place(what, fault)} is {how}too {fault}")
    return ". ".join(said)


def _place(what: str, fault: str) -> str:
    """Whom or what a fault is told of, in words that name a region."""
    tinge = re.fullmatch(_TINGE, fault) is not None
    if _PHOTO.search(what):
        return "the photo"
    if _SOMEBODY.search(what):
        return "the person"
    if re.search(r"\bshadows$", what) and (tinge or fault in ("noisy", "grainy")):
        return "the dark areas"
    return "the bright areas" if tinge and re.search(r"\bhighlights$", what) else what
