"""Four hundred customers over 26 months, each with a story (see ``stories``).

The addon does not import this package: ``ir.demo`` loads it where demo data are wanted.

``stories``, ``catalog``, ``people`` and ``sales`` plan in plain Python, in days before today;
``world``, ``handmade``, ``books`` and ``contacts`` put the plan into a database (``load``).
"""
