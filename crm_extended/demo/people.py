"""Invented names for the demo's companies and people."""

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import NamedTuple

TRADES = (  # name, tag, industry (letter of base.res_partner_industry_*)
    ("Garage", "Workshop", "G"),
    ("Motors", "Workshop", "G"),
    ("Fleet Service", "Fleet", "H"),
    ("Transport", "Fleet", "H"),
    ("Farms", "Agriculture", "A"),
    ("Foundry", "Industry", "C"),
    ("Machine Works", "Industry", "C"),
    ("Builders", "Construction", "F"),
    ("Marine", "Fleet", "H"),
    ("Supply", "Reseller", "G"),
)
NAMES = (
    "Velnora", "Tarvick", "Ombrelle", "Quastor", "Brindemar", "Calvessa", "Dorvane", "Elmarock",
    "Fenbrisk", "Galdrin", "Harnexa", "Ilvora", "Jorvexa", "Kelmonta", "Lundarra", "Marvessa",
    "Nordelina", "Orvandel", "Perrowin", "Quillamo", "Rindarel", "Selvorin", "Tamberlo",
    "Ulverane", "Vostrella", "Wendarra", "Xanbury", "Yelvorne", "Zamberin", "Arkandel",
    "Belworth Vale", "Corvantis", "Drumellan", "Eskendra", "Farrowmint", "Grelland", "Hestaval",
    "Imberlow", "Jandrassa", "Korvellan", "Lethborne", "Mirrowick",
)  # fmt: skip
PERSIAN_TRADES = (
    ("تعمیرگاه", "Workshop", "G"),
    ("بازرگانی", "Reseller", "G"),
    ("حمل‌ونقل", "Fleet", "H"),
    ("کشت و صنعت", "Agriculture", "A"),
    ("ماشین‌سازی", "Industry", "C"),
    ("ساختمانی", "Construction", "F"),
)
PERSIAN_NAMES = (
    "آبان‌گام", "نیل‌پیشه", "تیزآوند", "سپیدآوا", "روشن‌گام", "زرافشان‌رو", "کوه‌پایا", "بادران",
    "مهرآوند", "گرمسیران", "پویاچرخ", "یکتاروغن",
)  # fmt: skip
GIVEN_NAMES = (
    "Ada", "Bruno", "Clara", "Dario", "Edda", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karla",
    "Lior", "Mina", "Nils", "Olga", "Pavel", "Rosa", "Samir", "Tessa", "Yann",
)  # fmt: skip
PERSIAN_GIVEN_NAMES = ("آرش", "بهار", "پیمان", "ترانه", "کاوه", "لاله", "مهسا", "نیما")
ROLES = ("Purchasing", "Workshop manager", "Store keeper", "Owner")


class Company(NamedTuple):
    name: str
    tag: str
    industry: str
    country: str  # ISO code, "" for the country of the selling company
    phone: str
    is_persian: bool


# numbers that are set aside for fiction; where a country has none, the contact has no telephone
PHONES = {
    "": "+1 {area}-555-01{rest:02}",
    "GB": "+44 1632 96{hundred:02}{rest:02}",
    "FR": "+33 1 99 00 {hundred:02} {rest:02}",
}
AREAS = (212, 312, 415, 617, 303, 206, 512, 404, 702, 305)
COUNTRIES = ("", "", "", "", "", "", "DE", "DE", "FR", "GB", "AE")


def companies(rng: Random) -> Iterator[Company]:
    """Companies without end, no name twice; about one in twelve writes in Persian."""
    latin = [
        (f"{name} {trade}", tag, industry, False)
        for name, (trade, tag, industry) in product(NAMES, TRADES)
    ]
    persian = [
        (f"{trade} {name}", tag, industry, True)
        for name, (trade, tag, industry) in product(PERSIAN_NAMES, PERSIAN_TRADES)
    ]
    rng.shuffle(latin)
    rng.shuffle(persian)
    number = 0
    while latin:
        number += 1
        is_persian = number % 12 == 5 and bool(persian)
        name, tag, industry, is_persian = (persian if is_persian else latin).pop()
        country = "IR" if is_persian else rng.choice(COUNTRIES)
        hundred, rest = divmod(number % (100 * len(AREAS)), 100)
        phone = PHONES.get(country, "").format(area=AREAS[hundred], hundred=hundred, rest=rest)
        yield Company(name, tag, industry, country, phone, is_persian)
    for number in range(1, 10**6):
        yield Company(f"{NAMES[0]} {number}", TRADES[0][1], TRADES[0][2], "", "", False)


def email(name: str, number: int) -> str:
    """An address that can't exist.

    >>> email("Velnora Fleet Service", 7), email("تعمیرگاه بادران", 8)
    ('office@velnora-fleet-service.example', 'office8@kala.example')
    """
    if not name.isascii():
        return f"office{number}@kala.example"
    return f"office@{name.lower().replace(' ', '-')}.example"
