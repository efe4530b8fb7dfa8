"""What holds for all tests."""

import signal

# Whoever starts the tests in the background may have them ignore Ctrl-C, and commands under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
