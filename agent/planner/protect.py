"""What must stay as it is: "leave her skin alone", "except the sky", "without blowing out the clouds"."""

import re
from collections.abc import Callable

from agent.planner.chunks import chunk
from agent.planner.elements import NOT_THINGS
from agent.planner.lexicon import lexicon
from agent.planner.text import words

_NP = r"(?P<np>(?:(?!\b(?:but|while|then|though|because|please|so that|alone|untouched)\b)[\w' ]){2,60}?)"
_END = r"(?=\s*(?:[.,;:!?]|$|\bblack and white\b|\bb&w\b|\bblurr\w*\b|\bgr[ae]yscale\b|\bis\b|\bare\b|\bit is\b|\bbut\b|\bwhile\b|\bthen\b|\bplease\b|\bthough\b|\btho\b|\bjust\b|\band (?:make|brighten|darken|add|increase|reduce|just|also|the rest|keep|give|warm|cool|blur|sharpen|boost|lift)\b))"
_STAYS = r"(?:alone|be\b|as (?:it|they|she|he) (?:is|are|was|were)|as is|the same(?: way)?|unchanged|untouched|intact|how (?:it|they) (?:is|are|was|were)|how it is|the way (?:it|they) (?:is|are)|out of (?:it|this)|like (?:that|it is|this)|safe|original|natural|neutral|normal|unaffected|unedited|in colou?r|colou?red)"
_VERBS = r"(?:touch|change|alter|affect|edit|modify|mess(?: up)?(?: with)?|ruin|blow(?: out)?|clip|crush|burn(?: out)?|lose|brighten|darken|overexpose|underexpose|make|oversaturate|saturate|blur|sharpen|warm(?: up)?|cool(?: down)?|lighten|mak|adjust|recolou?r|smooth|tint|turn|hurt|wash(?: out)?|flatten|kill|destroy|spoil|fade|move|apply (?:it|this|that|anything) to|do anything (?:to|with|about|on)|include|retouch|influence|shift|colou?r|increase|overdo|over[- ]?\w+)"
_ING = r"(?:touching|changing|altering|affecting|editing|modifying|messing(?: up)?(?: with)?|ruining|blowing(?: out)?|clipping|crushing|burning(?: out)?|losing|brightening|darkening|overexposing|underexposing|making|oversaturating|saturating|blurring|sharpening|warming(?: up)?|cooling(?: down)?|lightening|turning|hurting|washing(?: out)?|flattening|killing|destroying|spoiling|fading|overdoing|moving|tinting|smoothing|recolou?ring|harming|influencing|over\w+)"

_PATTERNS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(p)
    for p in (
        rf"\b(?:leave|leaving|keep|keeping|let|have) {_NP} {_STAYS}",
        rf"\b(?:do not|never|nothing should|should not|must not|not to|no need to) (?:ever |please |you )?{_VERBS} (?:up |out |too much )?(?:of )?{_NP}{_END}",
        rf"\b(?:without|w/o|and not|but not|rather than|avoid|instead of|not) {_ING} (?:up |out |too much )?{_NP}{_END}",
        rf"\b(?P<all>everything|all|anything|whole (?:image|photo|picture)|entire (?:image|photo|picture)|the rest)?,? ?\b(?:except|except for|excluding|other than|apart from|aside from|besides|save for|all but|but not)(?: for| only)? {_NP}{_END}",
        rf"\b(?P<all>everything|anything|all) but {_NP}{_END}",
        rf"(?:^|[.,;]|\bbut\b|\band\b|\bwhile\b|\bthough\b) *(?:the |her |his |my |their |its )?{_NP} (?:(?:has|have|needs?|ought) to|must|should|can|to|shall)? ?(?:stays?|remains?|be left|be kept|keeps)\b[^.,;!?]*",
        rf"(?:^|[.,;]|\bbut\b|\band\b|\bwhile\b) *(?:the |her |his |my |their )?{_NP} (?:should|must|may|can|do|does|is|are) not (?:to )?(?:be )?(?:chang|touch|affect|alter|edit|modif|mov|get|becom|brighten|darken|look)\w*\b[^.,;!?]*",
        rf"(?:^|[.,;]|\bbut\b|\band\b) *(?:the |her |his |my |their )?{_NP} (?:is|are|looks?) (?:fine|perfect|good|great|ok|okay|already (?:fine|good|perfect)|nice)(?: (?:so|,) (?:please )?(?:leave|keep) (?:it|them|em|that|him|her)\b[^.,;]*)?(?: (?:already|as (?:it|they) (?:is|are)|as is|like that|so leave (?:it|them|that)|the way (?:it|they) (?:is|are)))?{_END}",
        rf"\b(?:nothing|no changes?|no edits?|no effects?|hands off|stay off|keep off|not) (?:on|to|in|of|for|at)? ?(?:the |her |his |my |their |its )(?P<np>[\w' ]{{2,40}}?){_END}",
        rf"\b(?:nothing|no changes?|no edits?|no effects?|hands off|stay off|keep off) (?:on|to|in|of|for|from)? ?{_NP}{_END}",
        rf"\b(?:protect|preserve|spare|exclude|skip|retain|maintain|mask out|lock|mind) (?:the |her |his |my |their )?{_NP}{_END}",
        rf"\b(?:keep|keeping|leave) (?:the |her |his |my |their |its )?{_NP} (?:white|black|dark|bright|warm|cool|sharp|blue|green|red|yellow|natural|soft|crisp|in focus|clean|real|realistic|clear|colou?rful|true|saturated|light|neutral|visible)\b",
        rf"\b(?:keep|leave|keeping|leaving) (?:the |her |his |my |their |its ){_NP}{_END}",
    )
)

#: Parts of a person, which stay in colour while the whole picture loses it.
_PARTS = frozenset(("clothing", "hair", "eyes", "face", "skin", "teeth", "object:lips"))

#: Nouns that name no place to protect.
_NOT_PLACES = frozenset(("global", "object:it", "object:everything else", "object:rest", "object:else"))


def split_off(text: str) -> tuple[str, list[str]]:
    """The request without its protections, and the protected regions.

    >>> split_off("brighten the photo but leave her skin alone")
    ('brighten the photo but .', ['skin'])
    >>> split_off("blur everything except the dog")
    ('blur the background', ['animal'])
    """
    found: list[str] = []

    def take(match: re.Match[str]) -> str:
        regions = _regions(match["np"])
        if not regions:
            return match.group()
        found.extend(r for r in regions if r not in found)
        if match.groupdict().get("all"):
            before = text[: match.start()]
            return "the background" if re.search(r"\b(?:blur|black and white|desaturate|grayscale|focus)\b", text) or re.search(
                r"\b(?:darken|dim|make)\b", before[-12:]
            ) else match["all"] + " . "  # fmt: skip
        monochrome = re.search(r"\b(?:black and white|b&w|bw|gr[ae]y ?scale|monochrome)\b", text)
        if monochrome and re.search(r"\bexcept\b|\bbut\b|\bother than\b", match.group()) and not set(regions) & _PARTS:
            return " in the background . "
        return " . "

    rest = text
    for pattern in _PATTERNS:
        rest = pattern.sub(_guarded(take), rest)
    if not found:
        return text, []
    return re.sub(r"\s+", " ", rest).strip(), found


def _guarded(take: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        return take(match) if len(match["np"].split()) <= 8 else match.group()

    return replace


def _regions(noun_phrase: str) -> list[str]:
    """Regions named in a noun phrase; the last noun of each conjunct counts. Empty when it is not made of nouns."""
    out: list[str] = []
    for part in re.split(r",|\band\b|\bor\b|&|/", noun_phrase):
        if part.strip():
            region = region_of(part)
            if region is None:
                return out
            if region not in _NOT_PLACES and region not in out:
                out.append(region)
    return out


def region_of(part: str) -> str | None:
    """The region a short noun phrase names, or None.

    >>> region_of("the man's red tie"), region_of("her lips"), region_of("the boats"), region_of("too much")
    ('clothing', 'object:lips', 'vehicle', None)
    """
    chunks = chunk(words(part), lexicon())
    last: str | None = None
    for i, c in enumerate(chunks):
        if c.text in ("white", "black", "'s") or c.sense("the") or c.sense("colour"):
            continue
        joins = c.sense("at") or c.sense("of")
        if (
            last
            and last not in ("left", "right", "top", "bottom")
            and (joins or c.sense("be") or c.text in ("that", "who"))
        ):
            inner = (
                region_of(" ".join(x.text for x in chunks[i + 1 :])) if joins and last.startswith("object:") else None
            )
            return inner if inner and not inner.startswith("object:") else last  # "the reflections in the water"
        noun, sense, thing = c.attr("noun"), c.sense("region"), c.sense("object")
        if noun is not None and noun.value in ("shadows", "highlights"):
            last = noun.value
        elif sense is not None:
            last = sense.value if sense.value != "global" or last is None else last
        elif thing is not None:
            last = f"object:{c.text}"
        elif c.attr() or c.op() or c.sense("amount") or c.sense("too") or c.sense("purpose"):
            of_something = i + 1 < len(chunks) and chunks[i + 1].sense("of") is not None  # "the texture of the fur"
            if of_something or (c.attr("thing", "noun") and last):
                continue
            return None if last is None and not c.attr("adj") else last
        elif c.text in ("it", "its", "they"):
            break
        elif not c.senses and c.text.isalpha() and len(c.text) > 2:
            if c.text in NOT_THINGS:
                if last:
                    break
                continue
            last = f"object:{c.text}"
    return last
