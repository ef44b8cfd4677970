"""Whether a company's data are long and rich enough to answer from."""

# below these nothing is predicted
FEWEST_REPEATERS = 10
FEWEST_CUSTOMERS = 20
SHORTEST_DAYS = 60
# from these on predictions are claimed in full
ENOUGH_REPEATERS = 50
ENOUGH_CUSTOMERS = 300
ENOUGH_DAYS = 180

# how far the data behind an answer suffice
ENOUGH, THIN, MISSING = "enough", "thin", "missing"
ANSWERS = {ENOUGH: "answered", THIN: "partly", MISSING: "not_yet"}
PREDICTION_STATES = {ENOUGH: "ok", THIN: "low_confidence", MISSING: "insufficient"}


def level(value: float, least: float, enough: float) -> str:
    """``missing`` below the least that it takes, ``thin`` until it is enough.

    >>> level(9, 10, 50), level(10, 10, 50), level(50, 10, 50)
    ('missing', 'thin', 'enough')
    """
    if value < least:
        return MISSING
    return THIN if value < enough else ENOUGH


def worst(levels: list[str]) -> str:
    """The lowest of several levels; of none it is ``enough``.

    >>> worst(["enough", "missing", "thin"]), worst([])
    ('missing', 'enough')
    """
    return max(levels, key=list(ANSWERS).index, default=ENOUGH)


def prediction_state(customers: int, repeaters: int, days: float) -> str:
    """``ok``, ``low_confidence`` or ``insufficient``.

    :param customers: customers with a purchase
    :param repeaters: those of them who bought on more than one day
    :param days: length of the longest history

    >>> prediction_state(3370, 2200, 280), prediction_state(50, 30, 365)
    ('ok', 'low_confidence')
    >>> prediction_state(5000, 0, 365), prediction_state(5000, 900, 7)
    ('insufficient', 'insufficient')
    """
    found = worst(
        [
            level(customers, FEWEST_CUSTOMERS, ENOUGH_CUSTOMERS),
            level(repeaters, FEWEST_REPEATERS, ENOUGH_REPEATERS),
            level(days, SHORTEST_DAYS, ENOUGH_DAYS),
        ]
    )
    return PREDICTION_STATES[found]


def blemish(part: float, whole: float, bearable: float) -> str:
    """``thin`` where more than a bearable share is concerned.

    >>> blemish(2, 100, 0.02), blemish(3, 100, 0.02), blemish(0, 0, 0.02)
    ('enough', 'thin', 'enough')
    """
    return THIN if part > bearable * whole else ENOUGH


def answer(needed: list[str], helpful: list[str]) -> str:
    """Whether a question is ``answered``, ``partly`` or ``not_yet``.

    :param needed: levels of what it can't be answered without
    :param helpful: levels of what makes the answer better; without it there is one in part

    >>> answer(["enough"], []), answer(["enough", "thin"], []), answer(["thin", "missing"], [])
    ('answered', 'partly', 'not_yet')
    >>> answer(["enough"], ["missing"]), answer([], [])
    ('partly', 'answered')
    """
    levels = [*needed, *(min(found, THIN, key=list(ANSWERS).index) for found in helpful)]
    return ANSWERS[worst(levels)]
