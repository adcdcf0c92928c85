"""The members of a family that are nearest to a given matrix: what its layers share."""
