from . import test_example_rule
