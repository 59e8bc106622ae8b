"""HL as a torch.optim.Optimizer, for anybody's training script."""
