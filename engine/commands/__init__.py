"""The commands that need the engine alone: sharpen, batch, camera, export, benchmark, doctor."""
