"""What `truce doctor` finds of systems and Kafka beside what each connector says of its vendor."""
