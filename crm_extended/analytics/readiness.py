"""Whether a company's history is long and rich enough to predict from."""

# below these nothing is predicted
FEWEST_REPEATERS = 10
FEWEST_CUSTOMERS = 20
SHORTEST_DAYS = 60
# from these on predictions are claimed in full
ENOUGH_REPEATERS = 50
ENOUGH_CUSTOMERS = 300
ENOUGH_DAYS = 180


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
    if customers < FEWEST_CUSTOMERS or repeaters < FEWEST_REPEATERS or days < SHORTEST_DAYS:
        return "insufficient"
    if customers < ENOUGH_CUSTOMERS or repeaters < ENOUGH_REPEATERS or days < ENOUGH_DAYS:
        return "low_confidence"
    return "ok"
