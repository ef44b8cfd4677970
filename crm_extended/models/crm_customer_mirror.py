import operator

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# what a company's contacts would multiply
COUNTED_ONCE = ("sum", "sum_currency", "avg", "count")
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class RowLink(fields.Many2one):
    """The row of a contact's customer. In SQL it is a join with the rows that the user may see,
    by the commercial partner; there is no column."""

    def join(self, model, alias, query):
        row = query.make_alias(alias, "customer_row")
        rows = model._visible_customers()
        query.add_join(
            "LEFT JOIN",
            row,
            rows.subselect(SQL("%s.*", SQL.identifier(rows.table))),
            SQL(
                "%s = %s",
                SQL.identifier(row, "partner_id"),
                model._field_to_sql(alias, "commercial_partner_id", query),
            ),
        )
        return model.env[self.comodel_name], row


class RowNumber:
    """A number of the customer row, as a related field.

    A record without a row reads as 0, as a stored number that is NULL does. In comparisons
    Odoo's related fields say otherwise (``> 0`` finds every record without a row), and a monetary
    NULL is found by 0.0 but not by 0. Here ``search`` finds what ``filtered_domain`` finds.
    """

    def _search_related(self, records, operator_name, value):
        path, _dot, name = self.related.rpartition(".")
        if operator_name in COMPARISONS:
            value = value or self.falsy_value
            domain = Domain(path, "any!", Domain(name, operator_name, value))
            if COMPARISONS[operator_name](self.falsy_value, value):
                domain |= Domain(path, "=", False)
            return domain
        if operator_name == "not in":
            return NotImplemented  # Odoo negates "in"
        if operator_name == "in":
            value = [number or self.falsy_value for number in value]
        return super()._search_related(records, operator_name, value)


class RowInteger(RowNumber, fields.Integer):
    pass


class RowFloat(RowNumber, fields.Float):
    pass


class RowMonetary(RowNumber, fields.Monetary):
    pass


class CrmCustomerMirror(models.AbstractModel):
    """Shows fields of the customer row on another model, as related fields.

    Related fields are read with sudo, and Odoo checks their groups on reading and in domains
    only. Here they are checked wherever a field becomes SQL: order, group-by, aggregate, having.
    Who has no number is listed last, unless the caller says otherwise.
    """

    _name = "crm.customer.mirror"
    _description = "Customer Figures of Another Record"

    def _field_to_sql(self, alias, field_expr, query=None):
        field = self._fields.get(field_expr.split(".")[0])
        if field and field.related and not field.store and field.groups:
            self._check_field_access(field, "read")
        return super()._field_to_sql(alias, field_expr, query)

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if not nulls.code and self._is_customer_figure(field_name):
            nulls = SQL("NULLS LAST")
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def _read_group_orderby(self, order, groupby_terms, query):
        terms = [
            f"{term} NULLS LAST"
            if self._is_customer_figure(term.split(":")[0].split()[0])
            and "nulls" not in term.lower()
            else term
            for term in (order or "").split(",")
            if term.strip()
        ]
        return super()._read_group_orderby(",".join(terms), groupby_terms, query)

    @api.model
    def _is_customer_figure(self, name: str) -> bool:
        field = self._fields.get(name)
        path = field.base_field.related if field else None
        return bool(path) and "customer_profile_id" in path.split(".")[:-1]

    @api.model
    def _visible_customers(self):
        """The rows of the current company that the user may see, as a query.

        The same for him and for what is done on his behalf with sudo: figures of a contact must
        not depend on who read them first. A company that is not his has no rows for him, however
        it got into the context.
        """
        # sudo: rules and rights are applied here, for the user himself
        rows = self.env["crm.customer.profile"].sudo().with_context(active_test=False)
        company = self.env.company
        domain = Domain("company_id", "=", company.id)
        if self.env.uid != SUPERUSER_ID:
            as_user = rows.sudo(False).with_context(allowed_company_ids=company.ids)
            is_his = company.id in self.env.user._get_company_ids()
            if is_his and as_user.has_access("read"):
                domain &= as_user.env["ir.rule"]._compute_domain(rows._name, "read")
            else:
                domain = Domain.FALSE
        return rows._search(domain)
