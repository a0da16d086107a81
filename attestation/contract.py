"""What a provider of identity or payment must answer."""
