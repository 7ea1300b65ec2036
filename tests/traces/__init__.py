"""Records of what the product computes, compared across commits."""
