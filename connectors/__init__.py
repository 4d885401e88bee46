"""The outside world: vendors' wire protocols, translated and reported; nothing here decides, retries or deduplicates."""
