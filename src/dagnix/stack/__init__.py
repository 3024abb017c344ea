"""The running stack: its containers, their health, the dashboard, and who may change it."""
