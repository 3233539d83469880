"""Statistics of ratings: pure functions on a rater x stimulus matrix with NaN where there is no vote, one subject a file."""
