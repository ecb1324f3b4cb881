"""Items become arrays: rows of pixels or of weighted words."""
