from datetime import date

from freezegun import freeze_time
from lxml import html

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..models.crm_customer_wallet_row import ROW_COLUMNS
from .common import CustomerCase
from .ledger import stored_rows

WALLET = "crm.customer.wallet"
FIGURES = ("wallet_amount", "wallet_low", "wallet_high", "wallet_source", "wallet_date",
           "wallet_expires_on", "wallet_share", "wallet_share_change", "wallet_headroom",
           "wallet_headroom_low", "wallet_headroom_high")  # fmt: skip


class WalletCase(CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(f"{cls.as_of} 12:00:00"))

    @classmethod
    def make_wallet(cls, customer, amount=None, day=0, **values):
        """What was said ``day`` days before ``as_of``: an amount, or a rank by ``values``."""
        said = {"amount": amount} if amount else {"source": "rank"}
        values = {"partner_id": customer.id, "date": cls._day(day)} | said | values
        return cls.env[WALLET].create(values)

    def explain(self, customer, user):
        row = self.as_user(self.row(customer).sudo(False), user)
        page = row.with_context(customer_explanation=True).explanation
        return " ".join(html.fromstring(page).text_content().split())

    def stored(self, customer):
        """The columns of a row as the database has them."""
        self.env.flush_all()
        return stored_rows(self.env, self.company)[customer.id]


@tagged("post_install", "-at_install")
class TestWallet(WalletCase):
    """What a customer spends is what somebody knows of it, and fades."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Ace")
        cls.contact = cls.make_contact(cls.customer)
        # 1,000 in 12 months, 400 in the 12 before
        cls.make_purchases(cls.customer, every=30, count=10, last=5)
        cls.make_purchases(cls.customer, every=30, count=4, last=400)
        cls.prospect = cls.make_customer("Prospect")
        cls.make_lead(cls.prospect)
        cls.refresh()

    # --------------------------------------------------------------------- the row

    def test_nothing_is_known_of_a_wallet_that_nobody_told(self):
        row = self.stored(self.customer)
        self.assertEqual({row[name] for name in FIGURES}, {None})

    def test_declared_amount_gives_share_and_headroom(self):
        self.make_wallet(self.customer, 4000, amount_low=3000, amount_high=5000)
        row = self.row(self.customer)
        self.assertEqual(row.wallet_source, "declared")
        self.assertEqual((row.wallet_amount, row.wallet_share), (4000, 0.25))
        self.assertEqual((row.wallet_low, row.wallet_high), (3000, 5000))
        self.assertEqual(row.wallet_headroom, 3000)
        self.assertEqual((row.wallet_headroom_low, row.wallet_headroom_high), (2000, 4000))
        self.assertEqual(row.wallet_expires_on, date(2026, 6, 30))

    def test_amount_without_a_range_has_none(self):
        self.make_wallet(self.customer, 4000)
        row = self.stored(self.customer)
        self.assertIsNone(row["wallet_low"])
        self.assertIsNone(row["wallet_headroom_high"])

    def test_rank_gives_share_and_the_wallet_follows(self):
        self.make_wallet(self.customer, rank=2, supplier_count=4)
        row = self.row(self.customer)
        self.assertEqual(row.wallet_source, "rank")
        self.assertAlmostEqual(row.wallet_share, 0.3)
        self.assertAlmostEqual(row.wallet_amount, 3333.33)
        self.assertAlmostEqual(row.wallet_low, 2857.14, msg="35 % at most is ours")
        self.assertAlmostEqual(row.wallet_high, 4000, msg="25 % at least is ours")
        self.assertAlmostEqual(row.wallet_headroom, 2333.33)

    def test_only_supplier_has_the_whole_wallet(self):
        self.make_wallet(self.customer, rank=1, supplier_count=1)
        row = self.row(self.customer)
        self.assertEqual((row.wallet_share, row.wallet_amount), (1, 1000))
        self.assertEqual(self.stored(self.customer)["wallet_headroom"], 0)

    def test_prospect_has_bought_nothing_of_his_wallet(self):
        self.make_wallet(self.prospect, 500)
        row = self.stored(self.prospect)
        self.assertEqual((row["wallet_share"], row["wallet_headroom"]), (0, 500))

    def test_rank_says_nothing_of_who_buys_nothing(self):
        self.make_wallet(self.prospect, rank=2, supplier_count=2)
        self.assertIsNone(self.stored(self.prospect)["wallet_source"])

    def test_what_the_customer_told_is_trusted_more_than_a_later_rank(self):
        self.make_wallet(self.customer, 4000, day=100)
        self.make_wallet(self.customer, rank=1, supplier_count=2)
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)

    def test_of_one_source_the_latest_decides(self):
        self.make_wallet(self.customer, 5000, day=10)
        self.make_wallet(self.customer, 4000, day=20)
        self.assertEqual(self.row(self.customer).wallet_amount, 5000)

    def test_expired_amount_fades_to_the_rank_and_the_rank_to_nothing(self):
        self.make_wallet(self.customer, 4000, day=90, expires_on=self.ago(-10))
        self.make_wallet(self.customer, rank=2, supplier_count=4, day=90, expires_on=self.ago(-20))
        sources = []
        for days in (0, 10, 11, 20, 21):
            with freeze_time(self.ago(-days)):
                self.refresh(self.ago(-days))
            sources.append(self.stored(self.customer)["wallet_source"])
        self.assertEqual(sources, ["declared", "declared", "rank", "rank", None])

    def test_look_back_does_not_know_what_was_said_later(self):
        self.make_wallet(self.customer, 4000, day=10)
        self.refresh(self.ago(11))
        self.assertFalse(self.row(self.customer).wallet_source)
        # nor does it when something is said now
        self.make_wallet(self.customer, 5000)
        self.assertFalse(self.row(self.customer).wallet_source)

    def test_archived_wallet_does_not_count_and_stays(self):
        wallet = self.make_wallet(self.customer, 4000)
        wallet.active = False
        self.assertFalse(self.row(self.customer).wallet_source)
        wallet.active = True
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)

    def test_wallet_of_a_category_says_nothing_of_the_whole(self):
        category = self.env["product.category"].create({"name": "Oil"})
        self.make_wallet(self.customer, 4000, category_id=category.id)
        self.assertFalse(self.row(self.customer).wallet_source)
        run = self.company.customer_run_id
        wallets = self.env.execute_query_dict(self.env["crm.customer.profile"]._sql_wallets(run))
        self.assertEqual(
            [(wallet["partner_id"], wallet["category_id"]) for wallet in wallets],
            [(self.customer.id, category.id)],
        )

    def test_contact_stands_for_the_customer(self):
        wallet = self.make_wallet(self.contact, 4000)
        self.assertEqual(wallet.partner_id, self.customer)
        wallet.partner_id = self.contact
        self.assertEqual(wallet.partner_id, self.customer)
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)
        contact = self.contact.with_context(allowed_company_ids=self.company.ids)
        self.assertEqual((contact.wallet_amount, contact.wallet_share), (4000, 0.25))

    def test_another_currency_is_converted_at_the_rate_of_the_date(self):
        currency = self.env["res.currency"].create({"name": "TWC", "symbol": "T"})
        self.env["res.currency.rate"].create(
            [
                {
                    "currency_id": currency.id,
                    "company_id": self.company.id,
                    "name": self.ago(days),
                    "rate": rate,
                }
                for days, rate in ((500, 2), (100, 4), (10, 8))
            ]
        )
        self.make_wallet(self.customer, 16000, day=50, currency_id=currency.id)
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)
        self.refresh()
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)

    def test_share_of_more_than_all_is_all(self):
        self.make_wallet(self.customer, 1000)
        self.make_invoice(self.customer, 0, 500)
        self.refresh()
        row = self.stored(self.customer)
        self.assertEqual((row["wallet_share"], row["wallet_headroom"]), (1, 0))

    def test_change_of_share_is_against_what_was_known_a_year_ago(self):
        self.make_wallet(self.customer, 4000)
        self.assertIsNone(self.stored(self.customer)["wallet_share_change"])
        self.make_wallet(self.customer, 2000, day=370)
        row = self.row(self.customer)
        self.assertAlmostEqual(row.wallet_share_change, 1000 / 4000 - 400 / 2000)

    # ----------------------------------------------------------------- at once

    def test_row_says_at_once_what_the_refresh_then_says(self):
        self.make_wallet(self.customer, 2000, day=370)
        for wallet in (
            {"amount": 4000, "amount_low": 3000, "day": 3},
            {"rank": 1, "supplier_count": 3},
            {"amount": 3210.55},
        ):
            self.make_wallet(self.customer, **wallet)
            self.make_wallet(self.prospect, 700)
            at_once = {
                customer: self.stored(customer) for customer in (self.customer, self.prospect)
            }
            self.refresh()
            for customer, row in at_once.items():
                after = self.stored(customer)
                for name in FIGURES:
                    self.assertEqual(row[name], after[name], name)

    def test_what_is_said_today_shows_on_yesterdays_numbers(self):
        with freeze_time(f"{self.ago(-1)} 09:00:00"):
            self.make_wallet(self.customer, 4000, day=-1)
            self.assertEqual(self.row(self.customer).wallet_amount, 4000)

    def test_what_is_said_while_a_refresh_is_under_way_holds(self):
        profiles = self.env["crm.customer.profile"]
        run = self.env["crm.model.run"].create(
            {"company_id": self.company.id, "as_of": self.as_of, "kind": "requested"}
        )
        steps = [step.name for step in profiles._refresh_steps()]
        while run.step < steps.index("publish"):
            self.assertTrue(run._advance())
        self.make_wallet(self.customer, 4000)
        while run._advance():
            pass
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)

    def test_what_the_row_needs_at_once_is_stored_on_it(self):
        for name in ROW_COLUMNS:
            self.assertTrue(self.env["crm.customer.profile"]._fields[name].store, name)

    def test_wallet_costs_a_number_of_queries_that_does_not_grow_with_their_number(self):
        counts = []
        for size in (1, 30):
            customers = self.env["res.partner"].create(
                [{"name": f"{number} of {size}", "is_company": True} for number in range(size)]
            )
            self.env.flush_all()
            with self.queries() as queries:
                self.env[WALLET].create(
                    [{"partner_id": customer.id, "amount": 100} for customer in customers]
                )
                self.env.flush_all()
            counts.append(len(queries))
        self.assertLessEqual(counts[1], counts[0] + 3, counts)

    # ----------------------------------------------------------------- real prices

    def test_amount_of_its_date_is_brought_to_the_prices_of_today(self):
        self.set_prices(self.as_of, months=36, yearly=0.5)
        self.refresh()
        self.make_wallet(self.customer, 4000, day=365, expires_on=False)
        row = self.row(self.customer)
        self.assertAlmostEqual(row.wallet_amount, 6000, delta=1)
        self.assertAlmostEqual(row.wallet_share, row.revenue_real_12m / row.wallet_amount, 5)
        before = row.wallet_share
        self.refresh()
        self.assertEqual(self.row(self.customer).wallet_share, before)

    # ----------------------------------------------------------------- benchmarks

    def make_benchmark(self, amount, **values):
        rule = {"amount": amount, "source": "Yearbook", "date": self.ago(30)}
        return self.env["crm.wallet.benchmark"].create(
            rule | {"currency_id": self.company.currency_id.id} | values
        )

    def test_most_specific_benchmark_decides_for_who_told_nothing(self):
        industry = self.env["res.partner.industry"].create({"name": "Garages"})
        self.customer.write({"industry_id": industry.id, "customer_size": "10"})
        self.make_benchmark(9000, industry_id=industry.id, customer_size="250")
        self.make_benchmark(8000, industry_id=industry.id)
        self.make_benchmark(
            5000, industry_id=industry.id, customer_size="10", amount_low=4000, amount_high=7000
        )
        self.make_benchmark(3000, customer_size="10")
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.wallet_source, row.wallet_amount), ("benchmark", 5000))
        self.assertEqual((row.wallet_share, row.wallet_headroom_high), (0.2, 6000))
        self.make_wallet(self.customer, 4000)
        self.assertEqual(row.wallet_source, "declared")
        self.env[WALLET].search([("partner_id", "=", self.customer.id)]).active = False
        self.assertEqual((row.wallet_source, row.wallet_amount), ("benchmark", 5000))

    def test_benchmark_counts_while_it_is_valid_and_for_its_company(self):
        self.customer.customer_size = "1"
        other = self.make_company("Other")
        self.make_benchmark(5000, customer_size="1", company_id=other.id)
        self.make_benchmark(6000, customer_size="1", valid_until=self.ago(1))
        self.make_benchmark(7000, customer_size="1", date=self.ago(-1))
        self.refresh()
        self.assertFalse(self.row(self.customer).wallet_source)

    def test_who_buys_more_than_his_kind_is_said_to_is_no_case_of_it(self):
        self.customer.customer_size = "1"
        self.make_benchmark(900, customer_size="1")
        self.refresh()
        row = self.row(self.customer)
        self.assertEqual((row.wallet_source, row.wallet_amount), (False, 0))
        self.make_wallet(self.customer, 4000).active = False
        self.assertFalse(row.wallet_source)

    def test_benchmark_in_a_currency_without_a_rate_is_refused(self):
        currency = self.env["res.currency"].create({"name": "TNC", "symbol": "T"})
        self.env["res.currency.rate"].search(
            [("currency_id", "=", self.company.currency_id.id)]
        ).unlink()
        with self.assertRaisesRegex(ValidationError, "no exchange rate from TNC"):
            self.make_benchmark(5000, customer_size="1", currency_id=currency.id)

    def test_benchmark_of_everybody_and_of_nobody_is_refused(self):
        for values in (
            {},
            {"customer_size": "1", "source": " "},
            {"customer_size": "1", "amount": 0},
            {"customer_size": "1", "amount_low": 6000},
            {"customer_size": "1", "valid_until": self.ago(31)},
        ):
            with self.assertRaises(ValidationError, msg=values):
                self.make_benchmark(values.pop("amount", 5000), **values)

    # ----------------------------------------------------------------- bad input

    def assert_refused(self, words, customer=None, **values):
        with self.assertRaisesRegex(ValidationError, words):
            self.make_wallet(customer or self.customer, **values)

    def test_computed_sources_cannot_be_entered(self):
        for source in ("benchmark", "peers", "white_space"):
            self.assert_refused("worked out and can't be entered", amount=5000, source=source)

    def test_amount_is_above_zero(self):
        self.assert_refused("more than 0", source="declared")
        self.assert_refused("more than 0", amount=-5)

    def test_range_holds_the_amount(self):
        self.assert_refused("no more than", amount=5000, amount_low=7000, amount_high=6000)
        self.assert_refused("lies outside", amount=5000, amount_low=6000)
        self.assert_refused("lies outside", amount=5000, amount_high=4000)
        self.assert_refused("above 0", amount=5000, amount_low=-1)

    def test_place_is_one_of_the_suppliers(self):
        self.assert_refused("no place 5 among 4 suppliers", rank=5, supplier_count=4)
        self.assert_refused("no place 0 among 4 suppliers", rank=0, supplier_count=4)
        self.assert_refused("1 or more", rank=1, supplier_count=0)
        self.assert_refused("worked out", amount=5000, source="rank", rank=1, supplier_count=2)

    def test_day_lies_in_the_past_and_expiry_after_it(self):
        self.assert_refused("has not come yet", amount=5000, day=-1)
        self.assert_refused("expire before it was said", amount=5000, expires_on=self.ago(1))

    def test_wallet_below_our_own_sales_is_refused(self):
        self.assert_refused("already bought more than that from you.*1,000.00", amount=900)
        self.make_wallet(self.customer, 995)
        # of the 12 months up to its date
        self.make_wallet(self.customer, 450, day=370)

    def test_who_may_not_see_our_sales_cannot_find_them_by_trying_amounts(self):
        wallets = self.as_user(WALLET, self.make_user("user"))
        for amount in (900, 1100):
            wallet = wallets.create(
                {
                    "partner_id": self.customer.id,
                    "amount": amount,
                    "competitor_ids": [Command.create({"name": "Rival", "share": 0.9})],
                }
            )
            self.assertTrue(wallet.id)
        with self.assertRaisesRegex(ValidationError, "lower their shares"):
            wallet.competitor_ids = [Command.create({"name": "Third", "share": 0.2})]

    def test_wallet_of_a_category_is_compared_with_sales_of_the_category(self):
        category = self.product.categ_id or self.env["product.category"].create({"name": "Own"})
        self.product.categ_id = category
        other = self.env["product.category"].create({"name": "Other"})
        self.assert_refused("already bought more", amount=900, category_id=category.id)
        self.make_wallet(self.customer, 900, category_id=other.id)

    def test_currency_without_a_rate_is_refused(self):
        currency = self.env["res.currency"].create({"name": "TNC", "symbol": "T"})
        self.env["res.currency.rate"].search(
            [("currency_id", "=", self.company.currency_id.id)]
        ).unlink()
        self.assert_refused("no exchange rate", amount=5000, currency_id=currency.id)
        # what others are worth in the company's money tells nothing of this one
        rates = self.env["res.currency.rate"]
        own = {"name": "2020-01-01", "currency_id": self.company.currency_id.id}
        rate = rates.create(own | {"rate": 1, "company_id": self.company.id})
        self.assert_refused("no exchange rate", amount=5000, currency_id=currency.id)
        # all are told in the one without
        rate.rate = 2
        self.make_wallet(self.customer, 5000, currency_id=currency.id)
        self.assertEqual(self.row(self.customer).wallet_amount, 10000)

    def test_competitors_have_no_more_than_the_rest(self):
        def lines(*shares):
            return [Command.create({"name": "Other", "share": share}) for share in shares]

        # a quarter is ours
        self.make_wallet(self.customer, 4000, competitor_ids=lines(0.5, 0.25))
        self.assert_refused("75.%", amount=4000, competitor_ids=lines(0.5, 0.3))
        self.assert_refused("0 % to 100 %", amount=4000, competitor_ids=lines(1.2))
        # a quarter at least
        wallet = self.make_wallet(
            self.customer, rank=2, supplier_count=4, competitor_ids=lines(0.5, 0.25)
        )
        with self.assertRaises(ValidationError):
            wallet.competitor_ids = lines(0.1)

    def test_nothing_is_kept_of_who_refused_profiling(self):
        self.make_wallet(self.customer, 4000)
        self.customer.profiling_optout = True
        self.assertFalse(self.env[WALLET].search([("partner_id", "=", self.customer.id)]))
        self.assert_refused("refused profiling", amount=4000)

    def test_wallets_are_believed_for_the_months_of_the_company(self):
        self.company.customer_wallet_months = 6
        self.assertEqual(self.make_wallet(self.customer, 4000).expires_on, date(2025, 12, 30))
        for months in (0, 1000):
            with self.assertRaisesRegex(ValidationError, "Wallets Expire After"):
                self.company.customer_wallet_months = months

    # ----------------------------------------------------------------- import and dialog

    def test_wallets_are_imported(self):
        result = self.env[WALLET].load(
            ["partner_id", "source", "amount", "rank", "supplier_count", "date", "note"],
            [
                ["Ace", "Told by the customer", "4000", "", "", "2025-05-01", "buyer"],
                ["Prospect", "rank", "", "2", "4", "2025-05-02", ""],
            ],
        )
        self.assertEqual(result["messages"], [])
        told, rank = self.env[WALLET].browse(result["ids"])
        self.assertEqual(told.expires_on, date(2026, 5, 1), "counted from when it was said")
        self.assertAlmostEqual(rank.rank_share, 0.3)
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)

    def test_import_refuses_with_the_sentence(self):
        result = self.env[WALLET].load(
            ["partner_id", "source", "amount"], [["Ace", "peers", "4000"]]
        )
        self.assertFalse(result["ids"])
        self.assertIn("can't be entered", result["messages"][0]["message"])

    def test_dialog_of_contact_customer_and_lead_makes_the_wallet(self):
        salesperson = self.make_user("salesperson")
        lead = self.make_lead(self.contact, user_id=salesperson.id)
        for record in (self.contact, self.row(self.customer), lead):
            record = self.as_user(record, salesperson)
            action = record.action_ask_wallet()
            wallets = self.as_user(WALLET, salesperson).with_context(**action["context"])
            with Form(wallets, view=action["views"][0][0]) as form:
                form.amount = 4000
                form.note = "their buyer"
            wallet = form.record
            self.assertEqual(wallet.partner_id, self.customer)
            self.assertEqual((wallet.user_id, wallet.company_id), (salesperson, self.company))
            self.assertEqual(wallet.date, fields.Date.to_date("2025-06-30"))
        self.assertEqual(self.row(self.customer).wallet_amount, 4000)
        lead = self.as_user(lead, salesperson)
        self.assertEqual((lead.wallet_share, lead.wallet_source), (0.25, "declared"))
        self.assertIn(lead, lead.search([("wallet_share", "<", 0.5)]))

    def test_lead_without_a_customer_asks_for_one(self):
        with self.assertRaisesRegex(UserError, "choose the customer"):
            self.make_lead().action_ask_wallet()

    # ----------------------------------------------------------------- in words

    def test_explanation_says_how_share_and_headroom_came_about(self):
        reader = self.make_user("finance")
        self.make_wallet(self.customer, 4000)
        text = self.explain(self.customer, reader)
        self.assertIn("1,000.00 / 4,000.00 = 0.25", text)
        self.assertIn("4,000.00 − 1,000.00 = 3,000.00", text)
        self.env[WALLET].search([]).active = False
        self.make_wallet(self.customer, rank=2, supplier_count=4)
        text = self.explain(self.customer, reader)
        self.assertIn("(1 − 2 / (4 + 1)) · 2 / 4 = 0.3", text)
        self.assertNotIn("have changed since", text)
        self.assertNotIn("Headroom", self.explain(self.customer, self.make_user("user")))
        action = self.as_user(self.row(self.customer), reader).action_open_behind("wallet")
        self.assertEqual(len(self.env[WALLET].search(action["domain"])), 1)

    def test_reason_names_the_room_where_the_customer_told_something(self):
        reader = self.make_user("finance")
        self.make_wallet(self.customer, rank=2, supplier_count=4)
        self.assertIn("about 30", self.as_user(self.row(self.customer), reader).reason)
        self.assertNotIn(
            "about 30", self.as_user(self.row(self.customer), self.make_user("user")).reason
        )

    # ----------------------------------------------------------------- rights

    def test_salesperson_enters_for_his_customers_and_nobody_elses(self):
        anna, bert = self.make_user("salesperson"), self.make_user("salesperson")
        self.customer.user_id = bert
        self.make_wallet(self.customer, 4000)
        wallets = self.as_user(WALLET, anna)
        self.assertFalse(wallets.search([("partner_id", "=", self.customer.id)]))
        with self.assertRaises(AccessError):
            wallets.create({"partner_id": self.customer.id, "amount": 5000})
        wallet = self.as_user(WALLET, bert).create({"partner_id": self.customer.id, "amount": 6000})
        wallet.note = "again"
        wallet.active = False
        with self.assertRaises(AccessError):
            wallet.unlink()
        manager = self.make_user("manager")
        self.as_user(wallet, manager).unlink()

    def test_a_refusal_tells_nothing_of_the_customers_of_others(self):
        anna = self.make_user("salesperson")
        self.customer.user_id = self.make_user("salesperson")
        own = self.make_customer("Own", user_id=anna.id)
        other = self.make_wallet(self.customer, 4000)
        wallets = self.as_user(WALLET, anna)
        rival = {"name": "Rival", "share": 0.1}
        wallet = wallets.create(
            {"partner_id": own.id, "amount": 1, "competitor_ids": [Command.create(rival)]}
        )
        attempts = (
            lambda: wallets.create({"partner_id": self.customer.id, "amount": 1}),
            lambda: wallet.write({"partner_id": self.customer.id}),
            lambda: wallet.competitor_ids.write({"wallet_id": other.id, "share": 1}),
            lambda: self.as_user(f"{WALLET}.competitor", anna).create(
                {"wallet_id": other.id, "name": "Rival", "share": 1}
            ),
        )
        for attempt in attempts:
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                attempt()

    def test_other_companies_wallets_are_not_seen(self):
        other = self.make_company("Other Wallet Company")
        self.make_wallet(self.customer, 4000)
        manager = self.make_user("manager", companies=other)
        self.assertFalse(self.as_user(WALLET, manager).search([]))

    def test_user_without_amounts_sees_the_source_and_no_share(self):
        self.make_wallet(self.customer, 4000)
        row = self.as_user(self.row(self.customer), self.make_user("user"))
        self.assertEqual(row.wallet_source, "declared")
        for name in ("wallet_share", "wallet_amount", "wallet_headroom", "peer_possible"):
            with self.assertRaises(AccessError):
                row.read([name])

    # ----------------------------------------------------------------- asking again

    def reviews(self, customer):
        return self.env["mail.activity"].search(
            [("res_model", "=", "res.partner"), ("res_id", "=", customer.id)]
        )

    def test_salesperson_is_asked_once_to_ask_again(self):
        salesperson = self.make_user("salesperson")
        self.customer.user_id = salesperson
        wallet = self.make_wallet(self.customer, 4000, day=90, expires_on=self.ago(1))
        category = self.env["product.category"].create({"name": "Oil"})
        self.make_wallet(
            self.customer, 900, day=90, expires_on=self.ago(1), category_id=category.id
        )
        self.refresh()
        self.refresh()
        review = self.reviews(self.customer)
        self.assertEqual(len(review), 1)
        self.assertEqual(review.user_id, salesperson)
        self.assertIn("Ask again", review.summary)
        self.assertEqual(wallet.reviewed_on, self.as_of)

    def test_what_is_believed_for_longer_is_asked_for_again_when_that_is_over(self):
        self.customer.user_id = self.make_user("salesperson")
        wallet = self.make_wallet(self.customer, 4000, day=90, expires_on=self.ago(1))
        self.refresh()
        self.reviews(self.customer).unlink()
        wallet.expires_on = self.ago(-5)
        self.refresh()
        self.assertFalse(self.reviews(self.customer))
        with freeze_time(self.ago(-6)):
            self.refresh(self.ago(-6))
        self.assertTrue(self.reviews(self.customer))

    def test_author_is_asked_where_nobody_looks_after_the_customer(self):
        author = self.make_user("salesperson")
        self.make_wallet(self.customer, 4000, day=90, expires_on=self.ago(1), user_id=author.id)
        self.refresh()
        self.assertEqual(self.reviews(self.customer).user_id, author)

    def test_nobody_is_asked_where_something_newer_is_known(self):
        self.make_wallet(self.customer, 4000, day=90, expires_on=self.ago(1))
        self.make_wallet(self.customer, rank=1, supplier_count=2, day=10)
        self.refresh()
        self.assertFalse(self.reviews(self.customer))

    def test_nobody_is_asked_about_archived_and_unexpired(self):
        self.make_wallet(self.customer, 4000, day=90, expires_on=self.as_of)
        self.make_wallet(self.prospect, 4000, day=90, expires_on=self.ago(1))
        self.prospect.active = False
        self.refresh()
        self.assertFalse(self.reviews(self.customer) | self.reviews(self.prospect))


@tagged("post_install", "-at_install")
class TestPeers(WalletCase):
    """Who told nothing is compared with similar customers, labelled as such."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.industries = cls.env["res.partner.industry"].create([{"name": "A"}, {"name": "B"}])
        cls.customers = cls.env["res.partner"].create(
            [{"name": f"Peer {number}", "is_company": True} for number in range(100)]
        )
        cls.make_invoices(
            [
                (customer, 10, 100.0 * number)
                for number, customer in enumerate(cls.customers, start=1)
            ]
        )

    def test_headroom_is_what_the_upper_fifth_of_his_quarter_buys(self):
        self.refresh()
        row = self.row(self.customers[0])
        # the lowest quarter is 100 to 2,500
        self.assertEqual((row.peer_group, row.peer_count), ("b1", 24))
        self.assertEqual(row.wallet_source, "peers")
        self.assertAlmostEqual(row.peer_possible, 2020)
        self.assertAlmostEqual(row.wallet_headroom, 1920)
        self.assertAlmostEqual(row.wallet_headroom_low, 1780 - 100)
        self.assertAlmostEqual(row.wallet_headroom_high, 2260 - 100)
        stored = self.stored(self.customers[0])
        self.assertEqual(
            (stored["wallet_amount"], stored["wallet_share"]), (None, None), "no wallet from sales"
        )
        best = self.stored(self.customers[99])
        self.assertEqual((best["wallet_headroom"], best["wallet_source"]), (0, "peers"))

    def test_group_is_as_fine_as_fifteen_others_allow(self):
        country = self.env.ref("base.be")
        lowest = self.customers[:25]
        lowest[:16].write({"industry_id": self.industries[0].id, "country_id": country.id})
        lowest[:16].write({"customer_size": "10"})
        lowest[16:].industry_id = self.industries[1]
        self.refresh()
        row = self.row(lowest[0])
        key = f"i{self.industries[0].id}/s10/c{country.id}/b1"
        self.assertEqual((row.peer_group, row.peer_count), (key, 15))
        self.assertAlmostEqual(row.peer_possible, 1300)
        self.assertEqual(self.row(lowest[20]).peer_group, "b1", "8 others are too few")
        lowest[0].customer_size = "50"
        self.refresh()
        self.assertEqual(self.row(lowest[0]).peer_group, f"i{self.industries[0].id}/b1")
        self.assertEqual(self.row(lowest[1]).peer_count, 15, "15 others, sizes apart")

    def test_few_customers_are_compared_with_all_and_fewer_with_nobody(self):
        self.customers[16:].active = False
        self.refresh()
        row = self.row(self.customers[0])
        self.assertEqual((row.peer_group, row.peer_count), ("all", 15))
        self.customers[15:].active = False
        self.refresh()
        row = self.stored(self.customers[0])
        self.assertEqual(
            (row["peer_count"], row["wallet_headroom"], row["wallet_source"]), (None, None, None)
        )

    def test_who_bought_long_ago_is_compared_and_is_nobodys_peer(self):
        silent = self.make_customer("Silent")
        self.make_invoice(silent, 500, 100.0)
        prospect = self.make_customer("Prospect")
        self.make_lead(prospect)
        self.refresh()
        row = self.row(silent)
        self.assertEqual((row.peer_group, row.peer_count), ("b1", 25))
        self.assertAlmostEqual(row.wallet_headroom, 2020)
        self.assertIsNone(self.stored(prospect)["peer_count"])

    def test_a_wallet_that_is_withdrawn_leaves_the_peers_at_once(self):
        self.refresh()
        customer = self.customers[0]
        before = self.stored(customer)
        wallet = self.make_wallet(customer, 5000)
        self.assertEqual(self.row(customer).wallet_source, "declared")
        self.assertEqual(self.row(customer).peer_count, 24)
        wallet.active = False
        self.assertEqual(self.stored(customer), before)

    def test_explanation_finds_the_same_numbers(self):
        self.refresh()
        row = self.row(self.customers[0])
        told = row._ask_again()
        for name in ("wallet_headroom", "wallet_source", "peer_count", "peer_group"):
            self.assertTrue(row._is_same(name, told.figures[name]), name)
        text = self.explain(self.customers[0], self.make_user("finance"))
        self.assertIn("24 others", text)
        self.assertIn("2,020.00 − 100.00 = 1,920.00", text)
        self.make_wallet(self.customers[0], 5000)
        told = row._ask_again()
        self.assertTrue(row._is_same("wallet_share", told.figures["wallet_share"]))
