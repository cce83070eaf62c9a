"""The ways in which the restaurants of E2E NLG are described, as JSON for `ad-copy --wordings`. Collected from the training texts.

    python Tests/Reference/e2e_wordings.py > wordings.json
"""
import json
import sys
from itertools import product


def phrases(*parts):
    """All ways to take one phrase of each part: "high|low" and "price|prices" are four."""
    return [" ".join(words) for words in product(*(part.split("|") for part in parts))]


GUESTS = "family|families|kid|kids|child|children|childrens|children's|kids'"
FRIENDLY = phrases(GUESTS, "friendly|- friendly|oriented|- oriented|orientated|- orientated|welcoming")
SUITABLE = phrases("good for|great for|perfect for|suitable for|friendly for|friendly to|friendly with|caters to|caters for|welcomes|allows|accepts",
                   "families|kids|children|kid|the family")
WELCOME = phrases("kids|children|families", "are welcome|welcome|welcomed|are welcomed")
NOT = "not|isn't|not a|not an|isn't a|not very|not so|not really|not considered|not considered a|non|non -|no|un|nor|aren't|not particularly"


def price(levels):
    nouns = "price|prices|priced|- priced|pricing|price range|price ranges|price - range|cost|in price|price point"
    return phrases(levels, nouns) + phrases(
        "price range is|price range|price|prices|prices are|price is|price range of|priced|prices range|pricing is|pricing", levels)


def rating(levels):
    nouns = ("customer rating|customer ratings|rating|ratings|rated|- rated|customer rated|customers rating|customer review|"
             "customer reviews|review|reviews|reviewed|customer satisfaction|customer service|customer score")
    return phrases(levels, nouns) + phrases(
        "customer rating is|customer rating of|customer rating|rated|rated it|rated as|rating|rating is|rating of|ratings|"
        "customer ratings are|ratings are|customers rate it|customers rate it as|customers rated it|rated by customers as|"
        "customer satisfaction is|reviews are|rate it as|rate it|ranked", levels)


def stars(number, word, level):
    counts = f"{number}|{word}"
    tails = "out of 5|out of five|of 5|of five|/ 5|out 5|star|stars|- star|stars out of 5|out of 5 stars|star out of 5|star rating"
    return phrases(counts, tails) + phrases("rated|rating of|rating is", counts) + rating(level)


UNDER = phrases("less than|under|below|cheaper than|lower than|up to|around|no more than", "£20|20|twenty|20 pounds|20 euros") + ["£20 or less", "£20"]
OVER = phrases("more than|over|above|higher than|at least|from|starting at", "£30|30|thirty|30 pounds|30 euros") + ["£30 and up", "£30 or more", "£30"]
BETWEEN = [f"{a}{joint}{b}" for a, b in product(("£20", "20"), ("£25", "25")) for joint in ("-", " - ", " to ", " and ")]

WORDINGS = {
    "familyFriendly": {
        "yes": FRIENDLY + SUITABLE + WELCOME + phrases("family", "restaurant|pub|coffee shop|place|venue|establishment|atmosphere|coffee")
        + ["for families", "for the whole family", "for kids", "for children", "all ages", "entire family", "bring the kids", "bring your kids"],
        "no": phrases(NOT, "|".join(FRIENDLY + SUITABLE + [
            "family", "kids", "children", "families", "for families", "for kids", "for children", "for the family", "friendly",
            "recommended for families", "recommended for children", "appropriate for children", "a place for families",
            "a place for children", "a place for kids"]))
        + phrases("does not|doesn't|do not|don't", "allow|welcome|cater to|cater for|accept|permit|really welcome", "children|kids|families")
        + phrases("kids|children|families", "are not welcome|not welcome|are not allowed|not allowed|unfriendly|aren't allowed")
        + ["adults only", "adult only", "for adults", "adult establishment", "for adult", "an adult", "unsuitable for children"],
    },
    "area": {
        "riverside": ["riverside", "river side", "river", "riverfront", "by the water"],
        "city centre": ["city centre", "city center", "centre", "center", "centre of the city", "downtown", "central", "heart of the city"],
    },
    "eatType": {
        "coffee shop": ["coffee shop", "coffee shops", "coffee", "cafe", "café", "coffee house", "coffeehouse", "coffee - shop"],
        "restaurant": ["restaurant", "restaurants", "diner", "bistro", "eatery"],
        "pub": ["pub", "pubs", "bar", "tavern"],
    },
    "food": {
        "Chinese": ["Chinese", "China"], "English": ["English", "British", "traditional", "full English"],
        "Japanese": ["Japanese", "sushi"], "French": ["French"], "Italian": ["Italian", "pasta", "pizza"],
        "Indian": ["Indian", "curry"], "Fast food": ["fast food", "fast - food", "burgers"],
    },
    "priceRange": {
        "high": price("high|highly|higher|high - end|high end") + ["expensive", "pricey", "high - end", "high end", "upscale", "costly"],
        "cheap": price("low|cheap|lower|inexpensive|affordable|reasonable|reasonably") + ["cheap", "inexpensive", "affordable", "low cost", "low - cost", "cheaply"],
        "moderate": price("moderate|moderately|average|medium|mid|reasonable|reasonably|fair|fairly|mid - range|averagely|decent")
        + ["moderate", "moderately", "mid - range", "reasonable", "reasonably"],
        "less than £20": UNDER + price("low|cheap|lower") + ["cheap", "inexpensive", "affordable"],
        "more than £30": OVER + price("high|highly|higher") + ["expensive", "pricey"],
        "£20-25": BETWEEN + price("moderate|moderately|average|reasonable|reasonably") + ["moderate", "moderately"],
    },
    "customer rating": {
        "high": rating("high|highly|excellent|very high|great|good|well|very good|top|very highly|best") + ["5 stars", "five stars", "popular", "highly"],
        "low": rating("low|poor|poorly|bad|badly|very low|lowly|very poorly|lower|not high|below average|not good") + ["one star", "1 star", "low", "poor"],
        "average": rating("average|decent|moderate|mediocre|okay|fair|fairly|medium|averagely|an average|3 star|three star")
        + ["average", "three star", "three stars", "3 star", "3 stars"],
        "1 out of 5": stars(1, "one", "low|poor|poorly|bad|badly|very low"),
        "3 out of 5": stars(3, "three", "average|an average"),
        "5 out of 5": stars(5, "five", "high|highly|excellent|great|very high|top|perfect"),
    },
}

if __name__ == "__main__":
    json.dump(WORDINGS, sys.stdout, ensure_ascii=False, indent=1)
