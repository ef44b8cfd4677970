from odoo.tools import SQL


def sql_columns(columns: dict[str, SQL]) -> SQL:
    """``expression AS name, …``"""
    return SQL(", ").join(
        SQL("%s AS %s", expression, SQL.identifier(name)) for name, expression in columns.items()
    )
