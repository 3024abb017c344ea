"""Deploys: a new pipes container beside the old one, which goes when its last run has ended."""
