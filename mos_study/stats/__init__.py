"""Statistics of ratings: pure functions on a rater x stimulus matrix with NaN for no vote, one subject a file."""
