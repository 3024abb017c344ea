"""The stack as objects of Kubernetes, made of the files that compose it on one host."""
