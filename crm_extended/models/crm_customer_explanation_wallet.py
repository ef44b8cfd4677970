from odoo import models

from ..analytics.wallet import wallet_share
from .crm_customer_explanation import AMOUNT, Item, Link, Section, Told
from .crm_customer_peers import PEER_SHARES


class CrmCustomerExplanationWallet(models.Model):
    """Explains what is known of a customer's wallet, and the room above what he buys."""

    _inherit = "crm.customer.profile"

    def _explanation_sections(self, told):
        sections = super()._explanation_sections(told)
        if self.wallet_source and self._sees(AMOUNT):
            sections.append(self._explain_wallet(told))
        return sections

    def _explain_wallet(self, told: Told) -> Section:
        figures, items = told.figures, []
        names = ["wallet_source", "wallet_headroom", "wallet_headroom_low", "wallet_headroom_high"]
        if figures["wallet_known"]:
            items += [self._explain_wallet_amount(told), self._explain_wallet_share(told)]
            names += ["wallet_amount", "wallet_low", "wallet_high", "wallet_share"]
        items.append(self._explain_headroom(told))
        return Section(self.env._("Wallet and Headroom"), AMOUNT, {"items": items}, names)

    def _explain_wallet_amount(self, told: Told) -> Item:
        figures, formulas = told.figures, []
        day = self._say_day(self.wallet_date)
        match figures["wallet_known"]:
            case "declared":
                says = [self.env._("The customer told it on %(day)s.", day=day)]
            case "rank":
                says = [
                    self.env._(
                        "What he buys from us in 12 months, by our share; our place among his "
                        "suppliers was told on %(day)s.",
                        day=day,
                    )
                ]
                formulas = [
                    f"{self._plain_money(figures['own_revenue'])}"
                    f" / {self._plain(float(figures['said_share']))}"
                    f" = {self._plain_money(figures['wallet_amount'])}"
                ]
            case _:
                says = [
                    self.env._(
                        "A benchmark for customers of this kind, as of %(day)s; this one told "
                        "nothing himself.",
                        day=day,
                    )
                ]
        if told.run.price_basis == "real" and not formulas:
            says.append(self.env._("Brought to the prices of the as-of month."))
        if self.wallet_expires_on:
            says.append(
                self.env._("It counts until %(day)s.", day=self._say_day(self.wallet_expires_on))
            )
        links = [Link(self.env._("All that was said"), "wallet")]
        return self._item(told, "wallet_amount", says=says, formulas=formulas, links=links)

    def _explain_wallet_share(self, told: Told) -> Item:
        figures = told.figures
        if figures["wallet_known"] == "rank":
            says, formulas = self._explain_rank(told)
        else:
            says = [self.env._("What he buys from us in 12 months, by all that he spends.")]
            formulas = [
                f"{self._plain_money(figures['own_revenue'])}"
                f" / {self._plain_money(figures['wallet_amount'])}"
                f" = {self._plain(figures['wallet_share'])}"
            ]
            if figures["own_revenue"] > figures["wallet_amount"]:
                says.append(self.env._("He buys more than that from us alone: it is all, at most."))
                formulas = []
        if figures["wallet_share_change"] is not None:
            says.append(
                self.env._(
                    "A year ago it was %(share)s, by what had been said then.",
                    share=self._say_percent(float(figures["share_before"])),
                )
            )
        return self._item(told, "wallet_share", says=says, formulas=formulas)

    def _explain_rank(self, told: Told) -> tuple[list[str], list[str]]:
        # what decides of this row may have been said since; the domain is that of the row
        wallet = self._deciding_wallet(told.run)
        if not wallet:
            return [], []
        rank, count = wallet.rank, wallet.supplier_count
        share, low, high = wallet_share(rank, count)
        says = [
            self.env._(
                "Place %(rank)s of %(count)s suppliers (Wallet Allocation Rule). Half a place "
                "either way: %(low)s to %(high)s.",
                rank=rank,
                count=count,
                low=self._say_percent(low),
                high=self._say_percent(high),
            )
        ]
        formula = f"(1 − {rank} / ({count} + 1)) · 2 / {count} = {self._plain(share)}"
        return says, [formula]

    def _deciding_wallet(self, run):
        # sudo: of a customer whose row the reader may read
        wallets = self.sudo()._sql_wallets(run)
        found = self.env.execute_query_dict(wallets)
        ids = [row["wallet_id"] for row in found if row["category_id"] is None]
        return self.env["crm.customer.wallet"].sudo().browse(ids[:1])

    def _explain_headroom(self, told: Told) -> Item:
        figures = told.figures
        if figures["wallet_known"]:
            above = figures["wallet_amount"]
            says = [self.env._("The wallet less what he buys from us in 12 months.")]
        elif figures["peer_possible"] is not None:
            above = figures["peer_possible"]
            says = self._say_peers(figures)
        else:
            says = [self.env._("Compared with similar customers, in categories not bought.")]
            return self._item(told, "wallet_headroom", says=says)
        if not figures["wallet_headroom"]:
            says.append(self.env._("He buys that much already: there is no room above it."))
            return self._item(told, "wallet_headroom", says=says)
        formulas = [
            f"{self._plain_money(above)} − {self._plain_money(figures['own_revenue'])}"
            f" = {self._plain_money(figures['wallet_headroom'])}"
        ]
        return self._item(told, "wallet_headroom", says=says, formulas=formulas)

    def _say_peers(self, figures) -> list[str]:
        return [
            self.env._(
                "Compared with similar customers: %(count)s others. This says nothing of what he "
                "spends elsewhere.",
                count=figures["peer_count"],
            ),
            self.env._("In common: %(traits)s.", traits=", ".join(self._peer_traits(figures))),
            self.env._(
                "The upper fifth of them (%(place)s) buys %(amount)s or more in 12 months.",
                place=self._say_percent(PEER_SHARES["peer_possible"]),
                amount=self._say_money(figures["peer_possible"]),
            ),
        ]

    def _peer_traits(self, figures) -> list[str]:
        """What a group of similar customers has in common, in words."""
        group = figures["peer_group"]
        if group == "all":
            return [self.env._("they bought in 12 months")]
        found = {key[0]: key[1:] for key in group.split("/")}
        # sudo: names that stand on the customer himself
        partner = self.partner_id.sudo()
        sizes = dict(partner._fields["customer_size"]._description_selection(self.env))
        traits = {
            "i": lambda key: partner.industry_id.browse(int(key)).name,
            "s": lambda key: sizes.get(key, key),
            "c": lambda key: partner.country_id.browse(int(key)).name,
            "b": lambda key: self.env._("quarter %(number)s of 4 by revenue", number=key),
        }
        return [say(found[trait]) for trait, say in traits.items() if trait in found]

    def _behind_wallet(self, _day=None):
        return self.action_open_wallets()
