"""The page as a Hugging Face Space starts it, with `python app.py`: the platform has installed requirements.txt before.

README.md begins with the Space's settings. Elsewhere `python launch.py --public` does the same.
"""

import os
import sys

from launch import main

if __name__ == "__main__":
    host = os.environ.get("GRADIO_SERVER_NAME", "0.0.0.0")
    port = os.environ.get("GRADIO_SERVER_PORT", "7860")
    sys.exit(main(["app", "--public", "--host", host, "--port", port, "--no-browser", "--skip-install"]))
