"""The nouns everyone shares: what travels on Kafka and between layers. Imports nothing of ours."""
