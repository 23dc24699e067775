#!/usr/bin/env python
"""Runs a management command, with the embedded services behind it unless addresses are given."""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    try:
        return run(sys.argv)
    except KeyboardInterrupt:
        return 130


def run(argv: list[str]) -> int:
    from console.embedded import EmbeddedError, attach

    try:
        attach(argv)
    except EmbeddedError as error:
        return refuse(error)

    # Only now: the settings read what `attach` has put into the environment.
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        len(settings.INSTALLED_APPS)
    except ImproperlyConfigured as error:
        return refuse(error)
    execute_from_command_line(argv)
    return 0


def refuse(error: Exception) -> int:
    sys.stderr.write(f"{error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
