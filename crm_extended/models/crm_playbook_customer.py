from odoo import api, fields, models

USER = "crm_extended.group_user"


class CrmPlaybookCustomer(models.Model):
    """The cases that are open with a customer."""

    _inherit = "crm.customer.profile"

    playbook_case_count = fields.Integer(
        "Open Cases",
        compute="_compute_playbook_case_count",
        groups=USER,
        help="Cases of playbooks that are open with the customer, and that you may see.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_playbook_case_count(self):
        # the reader's own rights, also for what is done on his behalf
        cases = self.env["crm.playbook.case"].sudo(False)
        counts = {}
        if cases.has_access("read"):
            domain = [("partner_id", "in", self.partner_id.ids), ("state", "!=", "closed")]
            groups = cases._read_group(domain, ["partner_id", "company_id"], ["__count"])
            counts = {(partner.id, company.id): count for partner, company, count in groups}
        for row in self:
            row.playbook_case_count = counts.get((row.partner_id.id, row.company_id.id), 0)

    def action_open_cases(self):
        """What is open with this customer, and what was."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "crm_extended.crm_playbook_case_action"
        )
        return action | {
            "display_name": self.partner_id.display_name,
            "domain": [
                ("partner_id", "=", self.partner_id.id),
                ("company_id", "=", self.company_id.id),
            ],
        }
