"""The clerk's till and the member's coupon."""
