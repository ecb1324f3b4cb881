"""HTML pages, charts and images of what the analyses find."""
