class UserError(Exception):
    """A mistake of the user's, told in one line that names what was found and what is allowed."""
