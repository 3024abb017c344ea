"""Measurements of Dagnix itself, bounded in time and disk, that leave nothing behind."""
