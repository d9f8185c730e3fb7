"""The language every room speaks: values, rules and ports. Pure: no input, no output, no event loop."""
