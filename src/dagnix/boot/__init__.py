"""What brings the stack back after a reboot: a unit of systemd's for each instance."""
