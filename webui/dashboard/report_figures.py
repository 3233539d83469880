"""What the project report states: of its own student, on its own pictures, on its own machine."""

# category: (pictures, mean SSIM, pictures with SSIM over 0.9)
QUALITY = {
    "text": (20, 0.923, 18),
    "nature": (25, 0.887, 8),
    "people": (25, 0.891, 10),
    "animals": (15, 0.885, 5),
    "graphics": (15, 0.894, 7),
    "all": (100, 0.896, 48),
}
FPS = {"480p": 31.4, "720p": 10.9, "1080p": 4.7}
FPS_MACHINE = "GTX 1060"
WHOSE = "the report's student"
