"""What loaders share: decoding one file, reading every example once, making tensors,
streaming.
"""
