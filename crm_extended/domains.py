from collections.abc import Callable

from odoo.fields import Domain
from odoo.tools import SQL


def search_lines(operator, value, name: str, having: Callable[[Domain], Domain]):
    """What a ``search`` method of a field returns that shows the ``name`` of a record's lines.

    :param having: records with a line that a domain finds
    """
    if operator not in ("in", "any", "any!"):
        return NotImplemented
    if operator != "in":
        return having(Domain(name, operator, value))
    found = having(Domain(name, "in", [item for item in value if item]))
    return found | ~having(Domain.TRUE) if False in value else found


def having_lines(lines, domain: Domain, sql_key: Callable, key_of: Callable) -> Domain:
    """Records of a customer and a company of whom a domain finds lines (records with a
    ``partner_id`` and a ``company_id``, in the environment of who may read them).

    :param sql_key: ``(model, alias, query)`` gives the pair of ids of a record, in SQL
    :param key_of: the same of one record, in Python
    """

    def to_sql(model, alias, query):
        rows = lines._search(domain)
        rows = rows.subselect(
            *(SQL.identifier(rows.table, name) for name in ("partner_id", "company_id"))
        )
        return SQL("%s IN %s", sql_key(model, alias, query), rows)

    def has_line(record):
        partner, company = key_of(record)
        own = Domain("partner_id", "=", partner) & Domain("company_id", "=", company)
        return bool(lines.search_count(own & domain, limit=1))

    return Domain.custom(to_sql=to_sql, predicate=has_line)
