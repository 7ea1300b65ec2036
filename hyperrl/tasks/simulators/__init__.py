"""What HyperRL knows of MuJoCo: where an environment's model lies, its quantities, and what they change."""
