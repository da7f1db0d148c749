"""The one error a user is meant to read."""


class UserError(Exception):
    """A mistake that the user can mend.

    The message is one readable line: what was given, what is allowed, what to do. The command line prints it without a
    traceback and exits with 1.
    """
