"""`okube-lab-init`: with a verb, tells the first process what to do; without one it is the first process."""

import sys

if len(sys.argv) == 1:
    from .loop import main

    main()
else:
    from .asking import ask

    sys.exit(ask(sys.argv[1:]))
