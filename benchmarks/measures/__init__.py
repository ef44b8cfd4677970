"""Measurements by subject; importing a module registers its measurements, in this order."""

from . import (
    refresh,
    screens,
    posting,
    truth,
    install,
    reliability,
    loyalty,
    prices,
    prediction,
    offers,
    campaigns,
    segments,
    playbooks,
)
