"""A small application of the framework: it takes greetings, and answers them."""
