"""What the peers do, as measured in this session; conftest writes it to build/peers.json."""

ACCURACY = []  # {"function", "input", "exact", "values": {library: value}, "ulp": {library: error}}
SEPARABLE = []  # {"data", "library", "coefficients", "said"}
