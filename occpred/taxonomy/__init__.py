"""The closed set of occupations that an answer is chosen from."""
