"""The LSP door: document events in, threads and status out."""
