"""The core on other input: what a playbook would have done, and would do, with nothing written. History is passed in."""
