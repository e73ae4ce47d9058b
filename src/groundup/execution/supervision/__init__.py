"""Runs that end with their caller: the program that holds them, and the side of the caller."""
