"""ONNX: one file, written and run."""
