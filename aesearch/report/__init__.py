"""HTML pages and images that present an analysis."""
