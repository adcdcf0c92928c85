"""What is measured of a network: spectra of its layers, curvature of the whole."""
