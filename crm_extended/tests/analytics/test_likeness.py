from random import Random

from ...analytics.lead_scoring import Lead, compare
from ...analytics.likeness import Later, Level, band, check, slope, smoothed_rate, weights

LEVELS = ("DE", "FR", "IT")
RATES = dict(zip(LEVELS, (0.6, 0.3, 0.1), strict=True))


def customers(random: Random, count: int, rates) -> list[tuple[str, bool]]:
    """Countries, and who becomes one of the best at the rate of his country."""
    levels = random.choices(LEVELS, k=count)
    return [(level, random.random() < rates[level]) for level in levels]


def learn(people) -> tuple[dict, Level]:
    of_all = Level(len(people), sum(best for _level, best in people))
    levels = {
        ("country", level): Level(
            sum(shown == level for shown, _best in people),
            sum(best for shown, best in people if shown == level),
        )
        for level in LEVELS
    }
    return weights(levels, of_all), of_all


def judge(learned, people):
    return check(Later(learned["country", level], best, 1) for level, best in people)


def test_what_differs_is_found_and_holds():
    random = Random(1)
    learned, _of_all = learn(customers(random, 2000, RATES))
    found = judge(learned, customers(random, 2000, RATES))
    assert found.holds
    assert found.auc > 0.68
    assert found.slope > 0.9
    assert learned["country", "DE"] > learned["country", "FR"] > learned["country", "IT"]


def test_what_does_not_differ_does_not_hold():
    """In 200 worlds in which nothing tells the best, few seem to (2.5 % by chance)."""
    same = dict.fromkeys(LEVELS, 0.3)
    holding = 0
    for seed in range(200):
        random = Random(seed)
        learned, _of_all = learn(customers(random, 150, same))
        holding += judge(learned, customers(random, 100, same)).holds
    assert holding <= 10


def test_the_same_characteristic_twice_is_tempered():
    """Said three times over, a country is believed once: the slope takes the sum back."""
    random = Random(2)
    learned, _of_all = learn(customers(random, 3000, RATES))
    later = customers(random, 3000, RATES)
    thrice = [3 * learned["country", level] for level, _best in later]
    found = slope(thrice, [best for _level, best in later])
    assert abs(found - 1 / 3) < 0.06


def test_a_level_of_few_is_drawn_to_all():
    assert 0.2 < smoothed_rate(5, 5, 0.2) < 0.4
    learned = weights({("country", "DE"): Level(5, 5)}, Level(100, 20))
    assert 0 < learned["country", "DE"] < 1


def test_too_few_later_ones_judge_nothing():
    assert check([Later(1.0, True, 4), Later(0.0, False, 90)]) is None


def test_a_score_of_nothing_is_neither():
    assert band(0.0) == "neutral"


def leads(random: Random, count: int, tells: bool) -> list[Lead]:
    made = []
    for _number in range(count):
        is_loyal = random.random() < 0.5
        chance = (0.7 if is_loyal else 0.3) if tells else 0.5
        values = [("source", random.choice("abc")), ("stage", "loyal" if is_loyal else "new")]
        made.append(Lead(values, random.random() < chance))
    return made


def test_a_field_that_tells_is_seen_to():
    found = compare(leads(Random(3), 2000, tells=True), ["source"], ["stage"])
    assert found.interval.low > 0
    assert found.having.log_loss < found.without.log_loss
    assert abs(found.without.auc - 0.5) < 0.05


def test_a_field_that_does_not_tell_is_not_said_to():
    """Of 100 worlds the interval leaves zero in about five."""
    wrong = 0
    for seed in range(100):
        found = compare(leads(Random(seed), 400, tells=False), ["source"], ["stage"])
        wrong += not found.interval.low <= 0 <= found.interval.high
    assert wrong <= 12


def test_few_leads_compare_nothing():
    assert compare(leads(Random(4), 60, tells=True), ["source"], ["stage"]) is None
