"""``python -m cincgan_tutorial``."""

import sys

from .cli import main

sys.exit(main())
