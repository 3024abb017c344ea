"""What only ./dagnix test and ./dagnix bench use."""
