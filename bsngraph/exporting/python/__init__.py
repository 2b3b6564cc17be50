"""The format python: one readable `model.py` that needs torch and safetensors alone."""
