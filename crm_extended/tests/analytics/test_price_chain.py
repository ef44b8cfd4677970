import math
import random

from odoo.tests import BaseCase, tagged

from ...analytics.price_chain import PriceChain, Sold, linked


def steady(prices, products=5, first=0):
    """The same products every month at these prices."""
    return [
        Sold(f"steady {product}", first + month, 10 * price, 10)
        for product in range(products)
        for month, price in enumerate(prices)
    ]


def lively(seed, months=37, products=400, inflation=0.5):
    """A company whose prices rise each for itself every fourth month. Each month a twelfth of the
    products is 25 % off and sells threefold, one in fifty is sold off at 40 % off and replaced,
    one in five is not sold, and customers' discounts make unit values vary."""
    chance = random.Random(seed)
    step = math.log(1 + inflation) / 12
    goods = {number: (chance.gauss(3, 0.7), chance.randrange(4)) for number in range(products)}
    born = products
    rows = []
    for month in range(months):
        for number, (start, phase) in list(goods.items()):
            price = start + step * (month - (month + phase) % 4) + chance.gauss(0, 0.02)
            quantity = 20.0
            if chance.random() < 0.02:
                price, quantity = price + math.log(0.6), 2 * quantity
                del goods[number]
                goods[born] = (start, chance.randrange(4))
                born += 1
            elif chance.random() < 0.08:
                price, quantity = price + math.log(0.75), 3 * quantity
            if chance.random() < 0.8:
                rows.append(Sold(number, month, quantity * math.exp(price), quantity))
    return rows


@tagged("post_install", "-at_install")
class TestPriceChain(BaseCase):
    def levels(self, rows, **settings):
        return [
            round(month.level, 4) for month in PriceChain(**settings).fit(rows).months_.values()
        ]

    def test_inflation_of_half_a_year_is_found_to_two_points_amid_promotions_and_new_products(self):
        for seed in range(3):
            months = PriceChain().fit(lively(seed)).months_
            self.assertEqual(list(months), list(range(37)))
            for month in range(12, 37):
                inflation = 100 * (months[month].level / months[month - 12].level - 1)
                self.assertAlmostEqual(inflation, 50, delta=2, msg=f"seed {seed}, month {month}")

    def test_stable_prices_stay_stable_amid_promotions_and_new_products(self):
        months = PriceChain().fit(lively(1, inflation=0)).months_
        for month in range(12, 37):
            self.assertAlmostEqual(months[month].level / months[month - 12].level, 1, delta=0.02)

    def test_promotion_leaves_no_trace(self):
        offer = [Sold("offer", month, 40 if month in (2, 3) else 10, 8 if month in (2, 3) else 1)
                 for month in range(6)]  # fmt: skip
        self.assertEqual(self.levels(steady([1] * 6) + offer), [1] * 6)

    def test_product_that_begins_with_a_promotion_leaves_no_trace(self):
        offer = [Sold("offer", month, 5 if month == 1 else 10, 1) for month in range(1, 5)]
        self.assertEqual(self.levels(steady([1] * 5) + offer), [1] * 5)

    def test_product_sold_off_before_it_vanishes_leaves_no_trace(self):
        ending = [Sold("ending", month, 4 if month == 3 else 10, 1) for month in range(4)]
        self.assertEqual(self.levels(steady([1] * 6) + ending), [1] * 6)

    def test_price_cut_that_lasts_counts_from_its_fourth_month(self):
        cheaper = [Sold("cheaper", month, 50 if month < 2 else 25, 5) for month in range(7)]
        levels = self.levels(steady([1] * 7) + cheaper)
        self.assertEqual(levels[:5], [1] * 5)
        self.assertLess(levels[5], 0.85)
        self.assertEqual(levels[5], levels[6])

    def test_fall_of_all_prices_is_no_promotion(self):
        self.assertEqual(self.levels(steady([1, 1, 0.8, 0.8])), [1, 1, 0.8, 0.8])

    def test_wrong_price_leaves_no_trace(self):
        wrong = [Sold("wrong", month, 1000 if month == 2 else 10, 1) for month in range(5)]
        self.assertEqual(self.levels(steady([1] * 5) + wrong), [1] * 5)

    def test_prices_that_rise_once_a_year_are_not_overlooked(self):
        rows = [
            Sold(product, month, 10 * 1.5 ** ((month + product) // 12), 1)
            for product in range(12)
            for month in range(25)
        ]
        levels = self.levels(rows)
        self.assertAlmostEqual(levels[24] / levels[12], 1.5, places=3)

    def test_product_not_sold_for_some_months_tells_of_all_of_them(self):
        rows = [row for row in steady([1, 1.1, 1.2, 1.3]) if row.month in (0, 3)]
        months = PriceChain().fit(rows).months_
        self.assertAlmostEqual(months[3].level, 1.3)
        self.assertEqual([month.is_told for month in months.values()], [True, False, False, True])
        self.assertAlmostEqual(months[1].level, 1.3 ** (1 / 3), msg="evenly in between")

    def test_month_with_too_few_matched_products_lies_between_its_neighbours(self):
        rows = steady([1, 1.1, 1.21])
        rows = [row for row in rows if row.month != 1 or row.product in ("steady 1", "steady 2")]
        months = PriceChain().fit(rows).months_
        self.assertFalse(months[1].is_told)
        self.assertAlmostEqual(months[1].level, 1.1)

    def test_last_month_with_too_few_matched_products_is_left_out(self):
        rows = steady([1, 1.1]) + [Sold("new", 2, 10, 1)]
        self.assertEqual(self.levels(rows), [1, 1.1])

    def test_products_that_were_all_replaced_begin_a_chain_of_their_own(self):
        rows = steady([1, 1.1, 1.2]) + [
            row._replace(product=f"new {row.product}") for row in steady([5, 6, 7, 8, 9], first=3)
        ]
        chain = PriceChain().fit(rows)
        self.assertEqual(list(chain.months_), [3, 4, 5, 6, 7])
        self.assertEqual(chain.sold_ - chain.months_.keys(), {0, 1, 2})

    def test_nothing_is_said_over_more_than_a_year(self):
        rows = [row._replace(month=row.month * 13) for row in steady([1, 2])]
        self.assertEqual(len(PriceChain().fit(rows).months_), 1)

    def test_thin_first_month_does_not_hold_the_chain_back(self):
        rows = [row._replace(month=row.month + 1) for row in steady([1, 1.1, 1.2])]
        self.assertEqual(self.levels([Sold("alone", 0, 1, 1), *rows]), [1, 1.1, 1.2])

    def test_products_without_a_steady_price_are_left_out(self):
        freight = [Sold("freight", month, (10, 40)[month % 2], 1) for month in range(9)]
        chain = PriceChain().fit(steady([1] * 9) + freight)
        self.assertEqual(chain.restless_, 1)
        self.assertEqual({month.level for month in chain.months_.values()}, {1})

    def test_large_products_weigh_more(self):
        rows = steady([1, 1]) + [Sold("large", 0, 50, 1), Sold("large", 1, 55, 1)]
        self.assertAlmostEqual(self.levels(rows)[1], 1.1**0.5, places=2)

    def test_nothing_sold_gives_no_months(self):
        self.assertEqual(PriceChain().fit([]).months_, {})
        self.assertEqual(PriceChain().fit([Sold("gift", 0, 0, 1)]).months_, {})

    def test_continued_index_keeps_its_base_and_its_months(self):
        own = {month: 2.0**month for month in range(6)}
        self.assertEqual(linked(own, {2: 100, 3: 110}), {0: 25, 1: 50, 4: 220, 5: 440})
