"""Video files: reading them frame by frame, writing them whole or not at all, sharpening them with their sound."""
