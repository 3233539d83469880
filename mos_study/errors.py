"""What can go wrong in a study that the user can fix; each message says what was expected, what came and what to do.

StudyError                exit status 2, one line on standard error, no traceback
├── BadStudy              a plan that cannot be made, or a study's folder or database that is not what it should be
├── BadRatings            a table of ratings or comparisons that cannot be read or computed on
└── BadOutput             a result cannot be written where it was asked for

Anything else that is raised is our fault: a traceback and exit status 1.
"""


class StudyError(Exception):
    """Something the user can fix; str() is one complete line."""


class BadStudy(StudyError):
    """A plan that cannot be made, or a study's folder or database that cannot be used."""


class BadRatings(StudyError):
    """A table that is missing, damaged, lacks a column, or does not determine what is asked of it."""


class BadOutput(StudyError):
    """A result cannot be written: folder missing or read-only, disk full, a folder of that name."""
