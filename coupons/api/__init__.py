"""What tills and other systems ask about coupons."""
