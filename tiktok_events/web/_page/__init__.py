"""What a page renders: the pixel's base code, its calls, and the sources for a Content-Security-Policy."""
