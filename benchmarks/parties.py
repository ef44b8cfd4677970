"""Partners and products from staging tables, without the ORM."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from odoo.tools import SQL

from .prototypes import Prototype, Prototypes

if TYPE_CHECKING:
    from odoo.api import Environment

    Cursor = object

PARTNER_COLUMNS = {
    "name": SQL("partner.name"),
    "ref": SQL("partner.ref"),
    "country_id": SQL("partner.country_id"),
    "user_id": SQL("partner.user_id"),
    "is_company": SQL("partner.is_company"),
    "customer_rank": SQL("partner.documents"),
    "parent_id": SQL("partner.parent_id"),
    "complete_name": SQL("concat_ws(', ', parent.name, partner.name)"),
    "commercial_partner_id": SQL("coalesce(partner.parent_id, partner.id)"),
    "commercial_company_name": SQL(
        "CASE WHEN partner.is_company THEN partner.name ELSE parent.name END"
    ),
    "calendar_last_notif_ack": SQL("now() AT TIME ZONE 'utc'"),
    "id": SQL("partner.id"),
}


def create_stages(cr: Cursor) -> None:
    """Empty staging tables, dropped with the transaction.

    ``stage_partner``: ``documents`` is the number of his invoices and credit notes (Odoo ranks
    customers by it). ``stage_product``: ``type`` is ``consu`` or ``service``, ``code`` the
    internal reference.
    """
    cr.execute(
        """
        DROP TABLE IF EXISTS stage_partner, stage_product, stage_country;
        CREATE TEMP TABLE stage_partner (
            id integer PRIMARY KEY, name text, ref text, country_id integer, user_id integer,
            is_company boolean, parent_id integer, documents integer
        ) ON COMMIT DROP;
        CREATE TEMP TABLE stage_product (
            id integer PRIMARY KEY, template_id integer, type text, code text, name text,
            list_price numeric
        ) ON COMMIT DROP;
        CREATE TEMP TABLE stage_country (
            id integer, fiscal_position_id integer, columns jsonb
        ) ON COMMIT DROP
        """
    )


def stage_countries(
    env: Environment, prototypes: Prototypes, country_ids: Iterable[int | None]
) -> None:
    """Ask Odoo what it makes of each country: fiscal position and e-invoicing columns."""
    Partner = env["res.partner"]
    names = sorted((prototypes.partner.varying | prototypes.contact.varying) - set(PARTNER_COLUMNS))
    rows = []
    for country_id in country_ids:
        partner = Partner.new({"name": "country", "is_company": True, "country_id": country_id})
        position = env["account.fiscal.position"]._get_fiscal_position(partner)
        columns = {
            name: Partner._fields[name].convert_to_column_insert(partner[name], partner)
            for name in names
        }
        rows.append((country_id, position.id or None, columns))
    cr = env.cr
    for country_id, position_id, columns in rows:
        values = SQL(", ").join(SQL("%s, %s::text", name, value) for name, value in columns.items())
        cr.execute(
            SQL(
                "INSERT INTO stage_country VALUES (%s, %s, jsonb_build_object(%s))",
                country_id,
                position_id,
                values,
            )
        )


def _country_columns(cr: Cursor, prototype: Prototype) -> dict[str, SQL]:
    """Columns of a partner that Odoo derives from his country."""
    names = sorted(prototype.varying - set(PARTNER_COLUMNS))
    cr.execute(
        SQL(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'res_partner'::regclass AND attname IN %s",
            tuple(names) or ("",),
        )
    )
    return {
        name: SQL("(country.columns ->> %s)::" + column_type, name)
        for name, column_type in cr.fetchall()
    }


def insert_partners(cr: Cursor, prototypes: Prototypes) -> int:
    """Write the staged partners: customers first, then the contacts below them."""
    number = 0
    for prototype, condition in (
        (prototypes.partner, SQL("partner.parent_id IS NULL")),
        (prototypes.contact, SQL("partner.parent_id IS NOT NULL")),
    ):
        number += prototype.insert(
            cr,
            SQL(
                "stage_partner AS partner"
                " LEFT JOIN stage_partner AS parent ON parent.id = partner.parent_id"
                " LEFT JOIN stage_country AS country"
                " ON country.id IS NOT DISTINCT FROM partner.country_id WHERE %s",
                condition,
            ),
            {**PARTNER_COLUMNS, **_country_columns(cr, prototype)},
        )
    return number


def insert_products(cr: Cursor, prototypes: Prototypes) -> int:
    """Write the staged products, each with its only variant."""
    number = 0
    for product_type, template in prototypes.templates.items():
        source = SQL("stage_product AS product WHERE product.type = %s", product_type)
        code = SQL("product.code")
        template.insert(
            cr,
            source,
            {
                "id": SQL("product.template_id"),
                "name": SQL("jsonb_build_object('en_US', product.name)"),
                "default_code": code,
                "list_price": SQL("product.list_price"),
            },
        )
        number += prototypes.variants[product_type].insert(
            cr,
            source,
            {
                "id": SQL("product.id"),
                "product_tmpl_id": SQL("product.template_id"),
                "default_code": code,
            },
        )
    return number
