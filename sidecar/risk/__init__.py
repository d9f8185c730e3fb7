"""From a change and facts about it to a calibrated score with exact additive reasons. Pure."""
