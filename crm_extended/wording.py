from babel.numbers import format_percent

from odoo.tools import formatLang
from odoo.tools.misc import babel_locale_parse


def percent(env, share: float, digits: int = 0) -> str:
    """A share of one as per cent, in the reader's language; the sign stands where that has it."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "\N{NO-BREAK SPACE}%"
    return format_percent(share, pattern, babel_locale_parse(env.lang))


def whole_amount(env, amount: float, currency) -> str:
    """An amount in whole units: it is read, not audited."""
    number = formatLang(env, round(amount), digits=0)
    if currency.position == "before":
        return f"{currency.symbol}\N{NO-BREAK SPACE}{number}"
    return f"{number}\N{NO-BREAK SPACE}{currency.symbol}"
