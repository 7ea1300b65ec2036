import sys

from hyperrl.cli import main

sys.exit(main())
