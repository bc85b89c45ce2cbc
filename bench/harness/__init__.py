"""What the suites share: the driver that serves elbo, compiled loops of JAX, rounds, tables, data."""
