"""The format hf: the folder form that huggingface_hub's PyTorchModelHubMixin reads."""
