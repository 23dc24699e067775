"""Django's Chinese groups by four without a mark; tills, banks and carriers write 12,345."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
