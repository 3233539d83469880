"""One file a picture format: what its header says, how its pixels are read, how a result is written."""
