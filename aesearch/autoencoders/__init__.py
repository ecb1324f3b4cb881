"""Autoencoders in torch. Only this package imports torch; the rest of the library reaches it through the catalog."""

import os

# By default the threads of OpenMP wait for work in a loop that occupies their core. If other processes need the cores, too,
# training takes ten times as long as its fair share. The runtime reads this when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
