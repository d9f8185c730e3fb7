"""One upstream each: a request out, a stream of events in."""
