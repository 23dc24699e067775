"""Writing in the coupons' room."""
