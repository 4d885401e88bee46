"""The agreement between sales and marketing: its language, loaded strictly, with positions."""
