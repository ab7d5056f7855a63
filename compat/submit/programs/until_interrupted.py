"""Runs until Ctrl-C, and tells how often it came."""

import sys
import time

interrupts = 0
try:
    print("running", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    interrupts += 1
# Another one, if it came, would come now.
try:
    time.sleep(0.3)
except KeyboardInterrupt:
    interrupts += 1
print("interrupts", interrupts, flush=True)
sys.exit(7)
