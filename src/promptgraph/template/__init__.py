"""Jinja, bounded: what a template may contain, and how it is rendered. The same code in server and client."""
