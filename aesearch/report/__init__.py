"""HTML pages, charts and images that present the results of analyses."""
