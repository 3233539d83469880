"""The running page over HTTP: pictures in and results out, nothing readable beside them, nothing left behind."""
