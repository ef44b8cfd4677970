from odoo.tools import SQL


def sql_columns(columns: dict[str, SQL]) -> SQL:
    """``expression AS name, …``"""
    return SQL(", ").join(
        SQL("%s AS %s", expression, SQL.identifier(name)) for name, expression in columns.items()
    )


def sql_replacement(table: str, found: SQL, keys, columns, scope: SQL, constants) -> tuple:
    """Statements that make the rows of a scope of one company those that were found: the others
    are deleted, changed ones updated, new ones added. Equal ones are not touched.

    :param found: a select of ``keys`` and ``columns``
    :param keys: what tells rows of one company apart
    :param scope: which rows may be replaced: a condition on ``shown``
    :param constants: the columns that are the same for all, the company among them
    """
    company = SQL("shown.company_id = %s", constants["company_id"])
    own, both = SQL.identifier(table), [*keys, *columns]
    values = {
        "table": own,
        "found": found,
        "scope": SQL("%s AND %s", company, scope),
        "company": company,
        "same": SQL(" AND ").join(
            SQL("shown.%s = found.%s", key, key) for key in map(SQL.identifier, keys)
        ),
        "columns": SQL(", ").join(map(SQL.identifier, columns)),
        "shown": SQL(", ").join(SQL.identifier("shown", name) for name in columns),
        "new": SQL(", ").join(SQL.identifier("found", name) for name in columns),
        "inserted": SQL(", ").join(map(SQL.identifier, [*constants, *both])),
        "values": SQL(", ").join(
            [
                *(SQL("%s", value) for value in constants.values()),
                *(SQL.identifier("found", name) for name in both),
            ]
        ),
        "order": SQL(", ").join(SQL.identifier("found", key) for key in keys),
    }
    return tuple(
        SQL(statement, **values)
        for statement in (
            """DELETE FROM %(table)s AS shown
                WHERE %(scope)s
                  AND NOT EXISTS (SELECT FROM (%(found)s) AS found WHERE %(same)s)""",
            """UPDATE %(table)s AS shown
                  SET (%(columns)s) = ROW(%(new)s)
                 FROM (%(found)s) AS found
                WHERE %(scope)s AND %(same)s AND (%(shown)s) IS DISTINCT FROM (%(new)s)""",
            """INSERT INTO %(table)s (%(inserted)s)
               SELECT %(values)s
                 FROM (%(found)s) AS found
                WHERE NOT EXISTS (SELECT FROM %(table)s AS shown WHERE %(company)s AND %(same)s)
                ORDER BY %(order)s""",
        )
    )


def sql_draw(key: str, partner: SQL) -> SQL:
    """``analytics.holdout.draw``, exactly the same."""
    return SQL("(('x' || left(md5(%s || ':' || %s), 8))::bit(32)::bigint / 2 ^ 32)", key, partner)
