"""Costs of running a sub-network on several cores, and the schedules behind them."""
