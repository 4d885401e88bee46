"""The lead agent: Faust delivers messages of `changes`, one transaction per batch decides and remembers them."""
