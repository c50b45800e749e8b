"""What the registry is about: frozen records, names, filters, differences, errors. Standard library only,
but for the RFC 8785 serialiser behind every hash (domain/canonical.py).
"""
