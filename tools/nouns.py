"""From an everyday noun to the thing the segmenter knows: `object:oak trees` is vegetation."""

import re
from typing import Final

#: Region -> nouns that mean it or a part of it.
SYNONYMS: Final = {
    "sky": "sky skies cloud clouds heaven heavens",
    "water": "water sea ocean lake river stream pond pool waterfall wave waves surf bay canal harbour harbor",
    "vegetation": (
        "vegetation tree trees leaf leaves foliage forest wood woods grass lawn meadow plant plants flower flowers "
        "blossom blossoms bush bushes hedge field fields garden rose roses tulip tulips palm palms jungle greenery fern"
    ),
    "ground": (
        "ground road street path floor sand beach dune dunes desert soil earth pavement sidewalk asphalt snow "
        "track gravel dirt shore"
    ),
    "mountain": "mountain mountains hill hills peak peaks cliff cliffs rock rocks summit ridge volcano glacier canyon",
    "building": (
        "building buildings house houses church tower castle skyscraper skyscrapers wall walls facade facades temple "
        "bridge city town skyline roof roofs window windows door doors architecture cathedral barn cottage ruin ruins"
    ),
    "person": (
        "person people man men woman women boy boys girl girls child children kid kids baby bride groom couple guy "
        "lady family friend friends crowd model figure"
    ),
    "face": "face faces head cheek cheeks nose forehead chin",
    "skin": "skin body arm arms hand hands leg legs neck shoulder shoulders",
    "hair": "hair beard moustache mustache ponytail curls",
    "eyes": "eye eyes iris irises pupil pupils",
    "teeth": "teeth tooth smile",
    "clothing": (
        "clothing clothes dress shirt jacket coat suit trousers pants jeans skirt sweater hoodie hat cap scarf shoes "
        "shoe blouse tie uniform t-shirt tshirt outfit gown kimono boots bag"
    ),
    "animal": (
        "animal animals dog dogs cat cats horse horses bird birds cow cows sheep lion tiger bear elephant fish puppy "
        "kitten deer fox rabbit duck eagle owl insect butterfly bee penguin monkey zebra giraffe fur feathers pet"
    ),
    "vehicle": (
        "vehicle vehicles car cars bus buses truck lorry train boat boats ship ships bicycle bike motorcycle motorbike "
        "plane van tram"
    ),
    "food": (
        "food dish meal cake bread pizza salad soup fruit fruits vegetable vegetables burger pasta dessert cookie "
        "cookies coffee breakfast steak sushi pie chocolate cheese sandwich rice"
    ),
    "subject": "subject thing object motif it",
    "background": "background backdrop behind surroundings",
    "foreground": "foreground front",
    "shadows": "shadow shadows",
    "highlights": "highlight highlights",
}  # fmt: skip

MEANS: Final = {noun: region for region, nouns in SYNONYMS.items() for noun in nouns.split()}


def region_of(noun: str) -> str | None:
    """The region that a noun phrase means, by its last known word; None for a thing nobody here can find.

    >>> region_of("old oak trees"), region_of("sports car"), region_of("moon")
    ('vegetation', 'vehicle', None)
    """
    known = [MEANS[word] for word in re.findall(r"[a-z][a-z-]*", noun.lower()) if word in MEANS]
    return known[-1] if known else None
