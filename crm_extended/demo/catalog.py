"""What the demo company sells: supplies for workshops."""

from decimal import Decimal
from typing import NamedTuple


class Product(NamedTuple):
    code: str
    name: str
    category: str
    price: Decimal  # today's list price
    cost: Decimal  # today's


OILS, FILTERS, TOOLS, SAFETY, CLEANING = CATEGORIES = (
    "Oils and lubricants",
    "Filters",
    "Tools",
    "Work safety",
    "Cleaning",
)
YEARLY_INFLATION = Decimal("0.05")

PRODUCTS = tuple(
    Product(code, name, category, Decimal(price), Decimal(cost))
    for code, name, category, price, cost in (
        ("OIL-05", "Engine oil 5W-30, 5 l", OILS, "38.00", "25.80"),
        ("OIL-20", "Hydraulic oil, 20 l", OILS, "96.00", "66.20"),
        ("OIL-GB", "Gear oil, 1 l", OILS, "14.50", "9.40"),
        ("OIL-GR", "Grease cartridge, 400 g", OILS, "6.80", "4.30"),
        ("OIL-60", "Engine oil 15W-40, drum of 60 l", OILS, "265.00", "192.00"),
        ("FLT-OL", "Oil filter", FILTERS, "9.90", "6.10"),
        ("FLT-AI", "Air filter", FILTERS, "18.40", "11.60"),
        ("FLT-CB", "Cabin filter", FILTERS, "15.20", "9.10"),
        ("FLT-FU", "Fuel filter", FILTERS, "22.60", "14.80"),
        ("FLT-HY", "Hydraulic filter element", FILTERS, "74.00", "49.50"),
        ("TLS-TW", "Torque wrench 1/2 inch", TOOLS, "129.00", "84.00"),
        ("TLS-SO", "Socket set, 42 pieces", TOOLS, "88.00", "58.90"),
        ("TLS-LA", "Work lamp", TOOLS, "34.50", "21.70"),
        ("TLS-JA", "Hydraulic jack, 3 t", TOOLS, "164.00", "113.00"),
        ("TLS-SD", "Screwdriver", TOOLS, "7.40", "4.20"),
        ("SAF-GL", "Nitrile gloves, box of 100", SAFETY, "11.80", "7.60"),
        ("SAF-EY", "Safety glasses", SAFETY, "8.90", "5.20"),
        ("SAF-BO", "Work boots, pair", SAFETY, "72.00", "47.80"),
        ("SAF-EA", "Ear plugs, box of 50 pairs", SAFETY, "12.40", "7.30"),
        ("CLN-DG", "Degreaser, 10 l", CLEANING, "42.00", "27.90"),
        ("CLN-TO", "Shop towels, roll", CLEANING, "5.60", "3.50"),
        ("CLN-AB", "Absorbent granules, 20 kg", CLEANING, "19.80", "13.90"),
        ("CLN-HA", "Hand cleaner, 3 l", CLEANING, "16.30", "10.20"),
    )
)


def at_age(amount: Decimal, age: int) -> Decimal:
    """Today's price or cost as it was some days ago.

    >>> at_age(Decimal("100"), 365), at_age(Decimal("9.90"), 0)
    (Decimal('95.00'), Decimal('9.90'))
    """
    return (amount * (1 - YEARLY_INFLATION * age / 365)).quantize(Decimal("0.01"))


def product_name(product: Product) -> str:
    """The name of its external id.

    >>> product_name(PRODUCTS[0])
    'product_oil_05'
    """
    return f"product_{product.code.lower().replace('-', '_')}"
