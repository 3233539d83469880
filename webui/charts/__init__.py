"""The dashboard's charts: pure functions from what was read to a Plotly figure; they open no file and know no page."""
