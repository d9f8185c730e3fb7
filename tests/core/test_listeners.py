"""Who was put into a list is in it until it is taken out, once, however often that is said."""

from sidecar.core.listeners import enlisted


def test_each_is_taken_out_once():
    those = ["a"]
    ends = [enlisted(those, "b"), enlisted(those, "a"), enlisted(those, "b")]
    assert those == ["a", "b", "a", "b"]
    ends[0]()
    assert those == ["a", "a", "b"]
    ends[2]()
    ends[2]()
    ends[1]()
    assert those == ["a"]
