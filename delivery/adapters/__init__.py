"""One package per provider. An adapter knows the provider's wire and `delivery.port`, nothing else of ours."""
