"""Sets of labelled pictures: finding them, packing them into arrays, splitting them."""
