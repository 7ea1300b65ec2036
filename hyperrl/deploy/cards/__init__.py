"""Model cards: a `README.md` beside the files of an agent, with a header for the Hugging Face hub."""
