"""Programs that torch traces: of torch.export, and of ExecuTorch."""
